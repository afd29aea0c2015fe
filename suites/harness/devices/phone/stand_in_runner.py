"""A stand-in for upstream's runner: a shell script that prints and writes what it would."""

from __future__ import annotations

from pathlib import Path

from harness.measure.run_stats import RunStats
from harness.runner_log.line import log_line
from harness.runner_log.statistics_block import block_lines

HELP = """\
  Flags from qnn_multimodal_runner.cpp:
    -tok_embedding_path (Path to tok_embedding model.) type: string default: ""
    -decoder_path (Path to decoder model.) type: string default: "decoder.pte"
"""
ANSWER = " a red circle<end_of_utterance>"
STATS = RunStats(
    prompt_tokens=33,
    generated_tokens=4,
    load_ms=100.0,
    prompt_eval_ms=100.0,
    ttft_ms=100.0,
    decode_ms=400.0,
    inference_ms=500.0,
    sampling_ms=1.0,
)
SPEED = "8"
"""What the runner writes for these statistics."""

GIVE_UP = "exit 0"
"""What it does after an error in the middle (contract §5.7)."""

_SCRIPT = """\
#!/bin/sh
if [ "$1" = --help ]; then {before_help}
cat <<'END'
{help}
END
exit 1; fi
echo "$*" >> ../../../command_lines
while [ $# -gt 0 ]; do if [ "$1" = --prompt ]; then prompt=$2; fi; shift; done
{before}
cat >&2 <<'END'
{log}
END
image='<fake_token_around_image><global-img><fake_token_around_image>'
text=$(printf '%s' "$prompt" | sed "s/<image>/$image/")
printf '<|im_start|>User:%s<end_of_utterance>\\nAssistant:{answer}' "$text" > outputs.txt
printf '{speed}' > inference_speed.txt
"""


def write_stand_in(
    folder: Path,
    before: str = "",
    answer: str = ANSWER,
    help: str = HELP,
    before_help: str = "",
) -> Path:
    """Write a build folder with the stand-in.

    Args:
        folder: Made when missing.
        before: Shell lines that it runs before it answers.
        answer: What it answers to everything.
        help: What it prints for ``--help``.
        before_help: Shell lines that it runs before that.
    """
    log = "\n".join(log_line(0, "stats.h:1", line) for line in block_lines(STATS))
    script = _SCRIPT.format(
        help=help, before=before, log=log, answer=answer, speed=SPEED, before_help=before_help
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qnn_multimodal_runner").write_text(script)
    (folder / "libqnn_executorch_backend.so").write_text("of no use to a script")
    return folder
