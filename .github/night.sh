#!/usr/bin/env bash
# One session of the suites in CI: its summary goes to the job's page, what is not green becomes
# annotations of the step, and a trend that turned (exit status 13) does not turn the job red.
#
# Wants RESULTS and REPORT, folders; ARTIFACTS, one more, may be empty. Arguments are pytest's.
set -uo pipefail

run_id="$(date -u +%Y%m%dT%H%M%SZ)-$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')"
report="$REPORT/$run_id"
python -m pytest --run-id "$run_id" --results "$RESULTS" --report-dir "$report" \
  ${ARTIFACTS:+--artifacts "$ARTIFACTS"} "$@" | tee "$RUNNER_TEMP/$run_id.log"
status=${PIPESTATUS[0]}

if [ -d "$RESULTS/$run_id" ]; then
  python -m harness summary "$run_id" --results "$RESULTS" >> "$GITHUB_STEP_SUMMARY"
fi
if [ "$status" -eq 13 ]; then
  grep '^TREND ' "$RUNNER_TEMP/$run_id.log" | tee "$REPORT/trend-$run_id.txt"
  exit 0
fi
exit "$status"
