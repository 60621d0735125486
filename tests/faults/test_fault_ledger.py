"""Parts of the suite that ran one after the other add up, and the table lands in its page."""

import pytest
from fault_ledger import BEGIN, END, FaultLedger, main, read_ledger


def test_parts_add_up_and_a_test_that_ran_again_counts_once(tmp_path):
    path = tmp_path / "build" / "faults.jsonl"
    FaultLedger(path).of("test_a").record("driver killed", 3)
    FaultLedger(path).of("test_b").record("driver killed", 4, "nothing (one block)")
    FaultLedger(path).of("test_b").record("node killed")
    FaultLedger(path).of("test_a").record("driver killed", 5)
    assert sum(entry.count for entry in read_ledger(path)) == 5 + 4 + 1
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    main([str(path), str(page)])
    main([str(path), str(page)])
    assert page.read_text().splitlines() == [
        "before",
        BEGIN,
        "| fault | survived | lost |",
        "| --- | ---: | --- |",
        "| driver killed | 9 | nothing; nothing (one block) |",
        "| node killed | 1 | nothing |",
        "| **all, by 2 tests** | **10** | |",
        END,
        "after",
    ]


def test_a_page_without_markers_is_refused(tmp_path):
    (tmp_path / "faults.jsonl").write_text("")
    (tmp_path / "page.md").write_text("no table")
    with pytest.raises(ValueError, match="lacks"):
        main([str(tmp_path / "faults.jsonl"), str(tmp_path / "page.md")])
