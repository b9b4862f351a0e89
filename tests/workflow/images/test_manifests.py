"""What is wrong with one row is said of that row, with the line that an editor shows."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from alflow.errors import InvalidInputError
from alflow.workflow.images.manifests import Row, rows


def read(suffix: str, text: str) -> tuple[dict[int, str], dict[int, str]]:
    """What rows name, and their problems, by number."""
    found = rows(suffix, text.encode("utf-8", "surrogatepass"))
    return {one.number: one.where for one in found if not one.problem}, {
        one.number: one.problem for one in found if one.problem
    }


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (",", "its 'path' is empty"),
        (",cat", "its 'path' is empty"),
        ('"",""', "its 'path' is empty"),
        (",,,,", "its 'path' is empty"),
        ("  ,cat", "its 'path' is empty"),
        ("a,b.png,cat", "it has 3 cells, the header 2; a comma needs quotes"),
        ('"a.png,cat', "its quotes do not close"),
        (f"{'x' * 140_000},cat", "a cell is too long"),
    ],
)
def test_a_row_of_a_table_that_cannot_be_used_is_one_problem(line: str, problem: str) -> None:
    good, bad = read(".csv", f'path,label\nfirst.png,cat\n{line}\n\n"quoted, name.png",dog\nlast.png\n')
    assert good == {2: "first.png", 5: "quoted, name.png", 6: "last.png"}
    assert list(bad) == [3]
    assert problem in bad[3]


def test_lines_are_counted_as_an_editor_does() -> None:
    text = 'label,path,caption\r\ncat,a.png,"two\nlines\r\nand a third"\r\n\r\ncat,,\r\ndog,b.png,x\r\n'
    good, bad = read(".csv", text)
    assert (good, list(bad)) == ({2: "a.png", 7: "b.png"}, [6])
    assert rows(".csv", text.encode())[0].caption == "two\nlines\r\nand a third"


@pytest.mark.parametrize("header", [" path , label", "\ufeffpath,label", "Path,Label", '"path","label"', "URI,label"])
def test_case_and_spaces_of_a_header_do_not_count(header: str) -> None:
    assert rows(".csv", f"{header}\na.png,cat\n".encode()) == [Row(2, "a.png", "cat")]


@pytest.mark.parametrize("line", ["sep=;\r\n", "sep=;\n", '"sep=;"\r\n', "\ufeffsep=;\r\n"])
def test_a_spreadsheet_may_say_what_separates_cells(line: str) -> None:
    found = rows(".csv", f'{line}path;label\r\n"a,b.png";cat\r\nc.png;dog\r\n'.encode())
    assert found == [Row(3, "a,b.png", "cat"), Row(4, "c.png", "dog")]
    assert rows(".csv", b"sep=,\r\npath,label\r\na.png,cat\r\n") == [Row(3, "a.png", "cat")]


@pytest.mark.parametrize(
    ("suffix", "mark"), [(".csv", ";"), (".csv", "\t"), (".csv", "|"), (".tsv", ","), (".tsv", ";")]
)
def test_a_table_with_another_sign_between_its_cells_is_told_so(suffix: str, mark: str) -> None:
    with pytest.raises(
        InvalidInputError, match=re.escape(f"separated by {mark!r} there: write 'sep={mark}' in a line")
    ):
        rows(suffix, f"path{mark}label\na.png{mark}cat\n".encode())


def test_cells_that_were_quoted_for_a_spreadsheet_are_read_as_they_were() -> None:
    """As `alflow export` writes them; in a file that knows no formulas an apostrophe is one."""
    found = rows(".csv", b"path,label,caption\n'=1.png,'+1,''-1\n=2.png,'90s,'\n")
    assert found == [Row(2, "=1.png", "+1", caption="'-1"), Row(3, "=2.png", "'90s", caption="'")]
    assert rows(".tsv", b"path\n'@3.png\n") == [Row(2, "@3.png")]
    assert rows(".jsonl", b'{"path": "\'=1.png"}') == [Row(1, "'=1.png")]


def test_quotes_inside_a_cell_are_read_as_they_stand() -> None:
    assert read(".tsv", 'path\tcaption\na.png\t"Stop" says the sign\nb.png\t5" nail\n') == (
        {2: "a.png", 3: "b.png"},
        {},
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{broken", "no JSON object"),
        ("[1]", "no JSON object, but a list"),
        ("null", "no JSON object, but null"),
        ('"a.png"', "no JSON object, but text"),
        ('{"file": "a.png"}', "it has: file"),
        ('{"path": null}', "'path' is empty"),
        ('{"path": ""}', "'path' is empty"),
        ('{"path": 7}', "'path' is a number"),
        ('{"path": true}', "'path' is true or false"),
        ('{"path": ["a.png"]}', "'path' is a list"),
        ('{"path": {"bytes": ""}}', "'path' is an object"),
        ('{"path": NaN}', "'path' is empty"),
        ("[" * 100_000, "no JSON object"),
        ("9" * 5000, "no JSON object"),
    ],
)
def test_a_line_of_json_that_cannot_be_used_is_one_problem(line: str, problem: str) -> None:
    good, bad = read(".jsonl", f'{{"path": "a.png"}}\r\n\n{line}\n{{"uri": "b.png", "label": 3}}')
    assert good == {1: "a.png", 4: "b.png"}
    assert list(bad) == [3]
    assert problem in bad[3]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\v", "\f", "\x1c", "\x1d", "\x1e", "\r"])
def test_only_newlines_end_a_line(separator: str) -> None:
    caption = f"one{separator}two"
    text = (
        json.dumps({"path": "a.png", "caption": caption}, ensure_ascii=False)
        if separator >= "\u0085"
        else (json.dumps({"path": "a.png", "caption": caption}))
    )
    table = f'path,caption\na.png,"{caption}"\n'
    assert rows(".jsonl", f'{text}\n{{"path": "b.png"}}\n'.encode()) == [
        Row(1, "a.png", caption=caption),
        Row(2, "b.png"),
    ]
    assert rows(".csv", table.encode())[0].caption == caption


@pytest.mark.parametrize(
    ("suffix", "data", "message"),
    [
        (".csv", b"", "needs a column 'path' or 'uri' in its first line: it has nothing"),
        (".csv", b"path;label\na.png;cat\n", "it has path;label"),
        (".csv", b"path,label,path\na,b,c\n", "several columns 'path'"),
        (".csv", b"path, Path\na,b\n", "several columns 'path'"),
        (".csv", "path\nä.png\n".encode("latin-1"), "line 2 is not UTF-8 text, save the file as UTF-8"),
        (".csv", "path\na.png\n".encode("utf-16"), "UTF-16 text, save it as UTF-8"),
        (".csv", "path\na.png\n".encode("utf-16-le"), "UTF-16 text, save it as UTF-8"),
        (".jsonl", '{"path": "a"}'.encode("utf-16-be"), "UTF-16 text, save it as UTF-8"),
        (".jsonl", b'{"file": "a"}\n{"file": "b"}\n', "needs a 'path' or 'uri' in each line: line 1"),
        (".csv", b"\n <!DOCTYPE html><html><body>Sign in</body></html>", "it is a web page"),
        (".parquet", b"<html></html>", "it is a web page"),
        (".parquet", b"PAR1 nonsense PAR1", "cannot be read"),
    ],
)
def test_what_is_no_manifest_at_all_is_named(suffix: str, data: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        rows(suffix, data)


def test_rows_of_parquet(tmp_path: Path) -> None:
    columns = {
        " Path": ["a.png", None, "", "b.png"],
        "label": [["cat"], None, "x", float("nan")][0:1] * 4,
        "pixels": [b"much"] * 4,
    }
    parquet.write_table(pa.table(columns), tmp_path / "m.parquet")
    found = rows(".parquet", (tmp_path / "m.parquet").read_bytes())
    assert [one.number for one in found if one.problem] == [2, 3]
    assert found[0] == Row(1, "a.png", '["cat"]')


@pytest.mark.parametrize("values", [[1, 2], [b"a.png", b"b.png"], [["a.png"], ["b.png"]]])
def test_parquet_paths_that_are_no_text(tmp_path: Path, values: list[object]) -> None:
    parquet.write_table(pa.table({"path": values}), tmp_path / "m.parquet")
    found = rows(".parquet", (tmp_path / "m.parquet").read_bytes())
    assert all("not text" in one.problem for one in found)


def test_one_parquet_value_that_is_no_text_spoils_no_other(tmp_path: Path) -> None:
    broken = pa.array([b"a.png", b"\xff.png"], pa.binary()).view(pa.string())
    parquet.write_table(pa.table({"path": broken}), tmp_path / "m.parquet")
    found = rows(".parquet", (tmp_path / "m.parquet").read_bytes())
    assert [(one.where, one.problem) for one in found] == [("a.png", ""), ("", "its 'path' is bytes, not text")]
