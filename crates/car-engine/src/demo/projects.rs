//! The three projects of the demonstration and what the scripted agent does in them. Plain POSIX shell, so that they run
//! anywhere.

/// A project: its first files and its tasks.
pub(super) struct Project {
    pub name: &'static str,
    pub spec: &'static str,
    pub files: &'static [(&'static str, &'static str)],
    pub tasks: &'static [Task],
}

/// A TODO item and how the scripted agent does it.
pub(super) struct Task {
    pub item: &'static str,
    pub steps: &'static [Step],
}

/// One thing the agent does.
pub(super) enum Step {
    Think(&'static str),
    Say(&'static str),
    Run(&'static str),
    Write(&'static str, &'static str),
}

use Step::{Run, Say, Think, Write};

pub(super) const ALL: &[Project] = &[TIP, TIDES, WORDS];

const TIP: Project = Project {
    name: "tip-splitter",
    spec: "# Spec\n\nA shell script that tells what each guest pays. Amounts are whole cents.\n",
    files: &[
        ("tip.sh", "#!/bin/sh\n# Usage: tip.sh CENTS PERCENT\necho $(( $1 * $2 / 100 ))\n"),
        (
            "test.sh",
            "#!/bin/sh\nset -e\n[ \"$(sh tip.sh 1000 10)\" = 100 ]\necho \"1 test passed\"\n",
        ),
    ],
    tasks: &[
        Task {
            item: "Round the tip to the nearest cent instead of down",
            steps: &[
                Think(
                    "**Looking at the script**\n\nInteger division rounds down. Adding half of the divisor first rounds to the nearest cent.",
                ),
                Run("cat tip.sh"),
                Write(
                    "test.sh",
                    "#!/bin/sh\nset -e\n[ \"$(sh tip.sh 1000 10)\" = 100 ]\n[ \"$(sh tip.sh 999 15)\" = 150 ]\necho \"2 tests passed\"\n",
                ),
                Run("sh test.sh"),
                Say("The new test fails as it should: 999 cents at 15 % gives 149. Now the fix."),
                Write(
                    "tip.sh",
                    "#!/bin/sh\n# Usage: tip.sh CENTS PERCENT\necho $(( ($1 * $2 + 50) / 100 ))\n",
                ),
                Run("sh test.sh"),
            ],
        },
        Task {
            item: "Refuse anything that is not a whole number with a clear message",
            steps: &[
                Think(
                    "**What happens today**\n\nThe shell prints an arithmetic error that tells a guest nothing.",
                ),
                Run("sh tip.sh ten 10"),
                Write(
                    "tip.sh",
                    "#!/bin/sh\n# Usage: tip.sh CENTS PERCENT\nfor n in \"$1\" \"$2\"; do\n  case $n in\n    '' | *[!0-9]*) echo \"tip.sh: '$n' is not a whole number\" >&2; exit 2 ;;\n  esac\ndone\necho $(( ($1 * $2 + 50) / 100 ))\n",
                ),
                Run("sh tip.sh ten 10"),
                Run("sh test.sh"),
            ],
        },
        Task {
            item: "Split the bill between several guests",
            steps: &[
                Think(
                    "**Splitting fairly**\n\nThe cents that are left over go to the first guests, one each, so the sum stays exact.",
                ),
                Write(
                    "split.sh",
                    "#!/bin/sh\n# Usage: split.sh CENTS GUESTS\neach=$(( $1 / $2 ))\nleft=$(( $1 % $2 ))\nguest=1\nwhile [ \"$guest\" -le \"$2\" ]; do\n  [ \"$guest\" -le \"$left\" ] && echo $(( each + 1 )) || echo \"$each\"\n  guest=$(( guest + 1 ))\ndone\n",
                ),
                Run("sh split.sh 1000 3"),
                Run("sh split.sh 1000 3 | awk '{ sum += $1 } END { print sum }'"),
            ],
        },
    ],
};

const TIDES: Project = Project {
    name: "tide-table",
    spec: "# Spec\n\nOne HTML page with today's tides, readable on a phone in the sun. No scripts.\n",
    files: &[(
        "index.html",
        "<h1>Tides</h1>\n<p>High 06:12 2.1 m, low 12:31 0.4 m, high 18:40 2.3 m, low 00:55 0.5 m</p>\n",
    )],
    tasks: &[
        Task {
            item: "Show the tides as a table",
            steps: &[
                Think(
                    "**Structure first**\n\nFour events with kind, time and height: a table with a header row.",
                ),
                Run("cat index.html"),
                Write(
                    "index.html",
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<title>Tides</title>\n<h1>Tides</h1>\n<table>\n<tr><th>Tide<th>Time<th>Height\n<tr><td>High<td>06:12<td>2.1 m\n<tr><td>Low<td>12:31<td>0.4 m\n<tr><td>High<td>18:40<td>2.3 m\n<tr><td>Low<td>00:55<td>0.5 m\n</table>\n</html>\n",
                ),
                Run("grep -c '<tr>' index.html"),
            ],
        },
        Task {
            item: "Make the page fit a phone",
            steps: &[
                Think(
                    "**Phones**\n\nWithout a viewport the page is laid out for a desktop and shrunk.",
                ),
                Write(
                    "style.css",
                    "body { font: 1.25rem/1.5 system-ui; max-width: 30rem; margin: auto; padding: 1rem; }\ntable { width: 100%; border-spacing: 0 .5rem; }\ntd:last-child, th:last-child { text-align: end; }\n",
                ),
                Run(
                    "sed 's|<title>|<meta name=\"viewport\" content=\"width=device-width\">\\n<link rel=\"stylesheet\" href=\"style.css\">\\n<title>|' index.html > new.html && mv new.html index.html",
                ),
                Run("head -6 index.html"),
            ],
        },
        Task {
            item: "Add dark colours for the night",
            steps: &[
                Say("The page follows the phone: light by day, dark by night."),
                Run(
                    "printf '%s\\n' ':root { color-scheme: light dark; }' >> style.css && tail -1 style.css",
                ),
            ],
        },
    ],
};

const WORDS: Project = Project {
    name: "word-count",
    spec: "# Spec\n\nCounts the words of a text and names the most frequent ones.\n",
    files: &[
        ("count.sh", "#!/bin/sh\n# Usage: count.sh FILE\nwc -w < \"$1\"\n"),
        ("sample.txt", "the tide comes in and the tide goes out\nand the sand stays where it is\n"),
    ],
    tasks: &[
        Task {
            item: "Print the number of words without padding",
            steps: &[
                Run("sh count.sh sample.txt | od -c | head -1"),
                Think(
                    "**Padding**\n\nSome systems pad the number; arithmetic expansion normalises it.",
                ),
                Write(
                    "count.sh",
                    "#!/bin/sh\n# Usage: count.sh FILE\necho $(( $(wc -w < \"$1\") ))\n",
                ),
                Run("sh count.sh sample.txt"),
            ],
        },
        Task {
            item: "List the three most frequent words",
            steps: &[
                Think(
                    "**One pipeline**\n\nOne word a line, sort, count, sort by count, keep three. Ties in alphabetical order.",
                ),
                Write(
                    "top.sh",
                    "#!/bin/sh\n# Usage: top.sh FILE\ntr -s '[:space:]' '\\n' < \"$1\" | sort | uniq -c | sort -k1,1nr -k2 | head -3\n",
                ),
                Run("sh top.sh sample.txt"),
                Run("sh top.sh missing.txt"),
                Say(
                    "A missing file gives the shell's own message, which names the file. Good enough.",
                ),
            ],
        },
        Task {
            item: "Write a README with an example of both scripts",
            steps: &[
                Write(
                    "README.md",
                    "# word-count\n\n    sh count.sh sample.txt   # number of words\n    sh top.sh sample.txt     # the three most frequent ones\n",
                ),
                Run("sh count.sh sample.txt && sh top.sh sample.txt"),
            ],
        },
    ],
};
