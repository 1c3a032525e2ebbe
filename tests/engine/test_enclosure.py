"""What goes with a report: the spreadsheet and the page for mail programs."""

import dataclasses
import datetime as dt
import io
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest

import duly
from duly.engine.page import page_of
from duly.engine.report import Column, Report, Table, text_of
from duly.engine.sheet import sheet_of
from engine.desk import DIRECTORY, ORDERS, Desk, at

ZONE = ZoneInfo("Asia/Shanghai")
SLOT = dt.datetime(2024, 6, 28, 9, 0, tzinfo=dt.UTC)
FIGURES = Table(
    title="Repairs: by category",
    found=1537,
    measures=(Column("reported", "number"), Column("done", "number"), Column("completion", "share", 2)),
    totals=(Decimal(1537), Decimal(1294), Decimal("84.19")),
    per="category",
    groups=(("leak", (Decimal(1000), Decimal(800), Decimal("80.00"))), ("", (Decimal(537), Decimal(494), None))),
    chart="bars",
)
LIST = Table(
    title="Late",
    found=2,
    columns=(Column("order"), Column("customer"), Column("amount", "number"), Column("placed_at")),
    rows=((7, "=1+1", Decimal("10.5"), SLOT), (8, "<b>Kim</b>", None, None)),
    listed=2,
)
REPORT = Report("The month", SLOT - dt.timedelta(days=28), SLOT, SLOT, tables=(FIGURES, LIST))


def sheets(data):
    """Open an .xlsx file."""
    return openpyxl.load_workbook(io.BytesIO(data))


def test_the_spreadsheet_has_a_sheet_a_section():
    """Figures are numbers, shares percentages, times dates at the desk, and nothing a customer wrote is a formula."""
    book = sheets(sheet_of(REPORT, ZONE))
    assert book.sheetnames == ["Repairs by category", "Late"]
    figures, late = book.worksheets
    assert [[cell.value for cell in row[:4]] for row in figures.iter_rows()] == [
        ["category", "reported", "done", "completion"],
        ["leak", 1000, 800, 0.8],
        ["–", 537, 494, "–"],
        ["Σ", 1537, 1294, 0.8419],
    ]
    assert figures["D4"].number_format == "0.00%"
    assert [[cell.value for cell in row] for row in late.iter_rows()] == [
        ["order", "customer", "amount", "placed_at"],
        [7, "=1+1", 10.5, SLOT.astimezone(ZONE).replace(tzinfo=None)],
        [8, "<b>Kim</b>", "–", "–"],
    ]
    assert late["B2"].data_type == "s"


def test_the_spreadsheet_has_the_chart():
    """The first measure is drawn by group, as bars or as a pie."""
    assert len(sheets(sheet_of(REPORT, ZONE)).worksheets[0]._charts) == 1
    pie = dataclasses.replace(FIGURES, chart="pie")
    plain = dataclasses.replace(FIGURES, chart="")
    made = sheets(sheet_of(dataclasses.replace(REPORT, tables=(pie, plain)), ZONE))
    assert [[type(chart).__name__ for chart in sheet._charts] for sheet in made.worksheets] == [["PieChart"], []]
    assert made.sheetnames == ["Repairs by category", "Repairs by category (2)"]


def test_a_report_out_of_the_ledger_makes_the_same_bytes():
    """What is made again at a later try, from what was kept, is the same to the last byte."""
    assert Report.unpack(REPORT.pack()) == REPORT
    assert sheet_of(Report.unpack(REPORT.pack()), ZONE) == sheet_of(REPORT, ZONE)


def test_the_page_shows_tables_and_bars_and_no_markup_of_a_customer():
    """Where the words have the report as text the page has tables, and a bar as long as its share of the longest."""
    page = page_of(REPORT, f"Dear <Wang>,\n\nhere it is.\n\n{text_of(REPORT, ZONE)}\n\nDuly", ZONE)
    assert "<p>Dear &lt;Wang&gt;,</p>\n<p>here it is.</p>" in page
    assert page.index("here it is") < page.index("84.19 %") < page.index("<p>Duly</p>")
    assert "width:300px" in page
    assert f"width:{round(300 * 537 / 1000)}px" in page
    assert "&lt;b&gt;Kim&lt;/b&gt;" in page
    assert not any(word in page for word in ("<b>Kim", "<svg", "<script", "<img", "<style"))


def test_a_time_without_a_zone_is_shown_as_it_is():
    """What the source calls half past eight is not moved by the zone of the machine."""
    written = dt.datetime.fromisoformat("2024-06-28 08:30")
    plain = dataclasses.replace(LIST, columns=(Column("ready_at"),), rows=((written,),), listed=1)
    report = dataclasses.replace(REPORT, tables=(plain,))
    assert sheets(sheet_of(report, ZONE)).worksheets[0]["A2"].value == written
    assert "2024-06-28 08:30" in text_of(report, ZONE)


def test_a_pie_is_one_bar_in_parts():
    """A mail program shows no pie: a bar in parts with what each colour means stands for it."""
    pie = dataclasses.replace(REPORT, tables=(dataclasses.replace(FIGURES, chart="pie"),))
    page = page_of(pie, text_of(pie, ZONE), ZONE)
    assert "width:65.06%" in page
    assert "leak: 1,000 (65.1 %)" in page


def test_words_without_the_report_have_no_page():
    """Words that tell the report in their own way are sent as they are."""
    assert page_of(REPORT, "1,294 of 1,537 repairs are done.", ZONE) == ""


@pytest.fixture
def desk(tmp_path):
    """A desk whose day's orders go to Wang at 18:00 with a spreadsheet."""
    rule = (
        "rule: The day\nowner: sales\nwatch: orders\nclock: placed_at\ncheck: daily 18:00\n"
        "roundup: {tell: wang, by: email, period: day, list: [order, customer], attach: xlsx}\n"
    )
    files = {
        "config/vocabulary/orders.yaml": ORDERS,
        "config/directory.yaml": DIRECTORY,
        "notifications/duly/report.j2": "{{ report }}",
    }
    made = Desk(tmp_path, {"reports/day": rule}, files=files)
    made.start(at("2024-03-04 08:00"))
    made.order(1, placed_at="2024-03-04 09:00")
    return made


def test_a_channel_gets_text_page_and_spreadsheet(desk):
    """Every channel gets the same: one that cannot carry a file has the figures in its text."""
    desk.run(at("2024-03-04 08:00"), at("2024-03-04 18:00"))
    message = desk.channel("email").sent[0]
    assert message.text == "The day\norder · customer\n1 · Li\nΣ 1"
    assert "<td" in message.html
    assert [(one.name, one.media_type) for one in message.attachments] == [
        ("day-2024-03-04.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    ]
    assert sheets(message.attachments[0].data).worksheets[0]["B2"].value == "Li"


def test_a_later_try_sends_the_same_bytes(desk):
    """A report that had to be tried again is what it was, whatever the source says by then."""
    channel = desk.channel("email")
    channel.answers = [duly.Retry("busy")]
    desk.run(at("2024-03-04 08:00"), at("2024-03-04 18:00"))
    desk.order(2, placed_at="2024-03-04 10:00")
    desk.run(at("2024-03-04 18:00"), at("2024-03-04 18:30"))
    first, second = channel.sent
    assert (first.text, first.html, first.attachments) == (second.text, second.html, second.attachments)


def test_frozen_words_leave_again_with_their_spreadsheet(desk):
    """What an idempotent channel is sent again after a crash still has its page and its file."""
    channel = desk.channel("email")
    channel.idempotent = True
    channel.answers = [RuntimeError("the line broke")]
    desk.run(at("2024-03-04 08:00"), at("2024-03-04 18:30"))
    first, second = channel.sent
    assert first == dataclasses.replace(second, at=first.at)
    assert second.attachments
