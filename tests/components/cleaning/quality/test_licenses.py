import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cleaning.quality.licenses import Header, header

MIT = """\
Copyright (c) 2020 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software"""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SPDX-License-Identifier: Apache-2.0 OR MIT", "Apache-2.0 OR MIT"),
        ("Licensed under the Apache License,\nVersion 2.0 (the License)", "Apache-2.0"),
        (MIT, "MIT"),
        ("under the terms of the GNU General Public License as published, either version 3", "GPL-3.0-or-later"),
        ("under the terms of the GNU Lesser General\nPublic License", "LGPL-2.1-or-later"),
        ("This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0.", "MPL-2.0"),
        ("Use of this source code is governed by a BSD-style license", "BSD-2-Clause"),
        ("Copyright 2020 Somebody. All rights reserved.", None),
    ],
)
@pytest.mark.parametrize("comment", [("# {}", ""), ("// {}", ""), (" * {}", "/*"), ("{}", "<!--")])
def test_the_licence_of_a_header_is_named(text, name, comment):
    line, begin = comment
    lines = [line.format(part) for part in text.split("\n")]
    code = "\n".join(([begin] if begin else []) + lines + {"/*": [" */"], "<!--": ["-->"]}.get(begin, []))
    found = header(f"{code}\nx = 1\n")
    assert found.license == name
    assert 0 < found.characters <= len(code) + 1


def test_a_comment_about_the_code_is_no_licence_header():
    assert header("# Adds two numbers.\nx = 1\n") == Header(0, None)
    assert header("x = 1\n# Licensed under the MIT License\n") == Header(0, None)


def test_documentation_after_a_licence_is_not_part_of_it():
    notice = "// Copyright 2020. Use is governed by a BSD-style license.\n"
    assert header(f"{notice}\n// Package strings does much.\npackage strings\n").characters == len(notice)


def test_a_licence_may_follow_what_a_file_has_to_begin_with():
    assert header("<?php\n// SPDX-License-Identifier: MIT\necho 1;\n").license == "MIT"
    assert header("#!/bin/sh\n# SPDX-License-Identifier: MIT\necho\n").license == "MIT"


@pytest.mark.parametrize("sign", ["#", "/", "/*", "<!--", "-- ", "license ", "Lesser General Public License "])
def test_a_header_without_end_takes_bounded_time(sign, processor_seconds):
    with processor_seconds(0.5):
        header(f"# license\n#{sign * 100_000}x")


@given(st.text("/*#-<!>\n ab\"'", max_size=200))
def test_any_beginning_has_an_answer(code):
    assert 0 <= header(code).characters <= len(code)
