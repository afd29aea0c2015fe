"""Questions to frames of results: which rows count, and what they say group by group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from harness.errors import UserError, suggest
from harness.measure.statistics import coefficient_of_variation, median_bounds
from harness.measure.verdict import Status
from harness.results.series import MEASURED_BY, SERIES, final_frame


def select(frame: pd.DataFrame, wanted: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Rows whose columns hold one of the wanted values, compared as text.

    Raises:
        UserError: If there is no such column.
    """
    for name, values in wanted.items():
        check_columns(frame, [name])
        texts = frame[name].astype("string")
        # As typed by a person: True and true, an empty text for a missing value.
        folded = texts.fillna("").str.casefold()
        typed = [value.casefold() for value in values]
        is_meant = folded.isin(typed)
        if name.endswith("_key"):
            # Pages and sentences show the beginning of a key.
            is_meant |= folded.str.startswith(tuple(filter(None, typed)))
        frame = frame[is_meant]
    return frame


def check_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Refuse columns that a frame does not have.

    Raises:
        UserError: If there is no such column; the message suggests the nearest one.
    """
    for name in names:
        if name not in frame:
            raise UserError(f"There is no column {name!r}; {suggest(name, frame.columns)}.")


def measured(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples that a gate's verdict rests on: valid, of no comparison, from the last cold session.

    A metric that was measured again from cold counts with what was measured last.
    """
    counted = samples[samples["valid"].fillna(False) & samples["side"].isna()]
    last = counted.groupby(["run_id", *MEASURED_BY], dropna=False)["cold_session"].transform("max")
    return counted[counted["cold_session"] == last]


NEVER_POOLED = (*dict.fromkeys(("device", *SERIES)), "unit", "virtual", "method", "artifact_key")
"""Columns of samples that differ by more than what is looked for: no median is taken over them."""


def unpooled(samples: pd.DataFrame, by: Sequence[str]) -> tuple[str, ...]:
    """Columns of ``NEVER_POOLED`` to add to a grouping, for some group of it holds several values.

    Args:
        samples: What is to be summed up.
        by: Columns that make a group.

    Raises:
        UserError: If there is no such column.
    """
    check_columns(samples, by)
    added: list[str] = []
    for name in NEVER_POOLED:
        grouping = [*by, *added]
        if name not in grouping and not samples.empty:
            groups = samples.groupby(grouping, dropna=False)[name]
            if groups.nunique(dropna=False).max() > 1:
                added.append(name)
    return tuple(added)


def summarize(samples: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """One row per group of samples.

    Args:
        samples: With ``value``; those that do not count are to be left out before.
        by: Columns that make a group.

    Returns:
        The columns of ``by``, then ``samples`` (their number), ``median``, ``lower`` and ``upper``
        (its bounds, each 95 % sure; missing below 5 samples), ``min``, ``max`` and ``cv`` (standard
        deviation over mean; missing below 2).

    Raises:
        UserError: If there is no such column.
    """
    check_columns(samples, by)
    rows = [
        dict(zip(by, key, strict=True)) | _summary(group["value"])
        for key, group in samples.groupby(list(by), dropna=False, sort=True)
    ]
    frame = pd.DataFrame(rows, columns=[*by, *SUMMARY])
    dtypes = {name: samples[name].dtype for name in by}
    return frame.astype({**dtypes, "samples": "Int64", **dict.fromkeys(SUMMARY[1:], "Float64")})


SUMMARY = ("samples", "median", "lower", "upper", "min", "max", "cv")
"""Columns that tell of a group's samples."""


def _summary(values: pd.Series) -> dict[str, object]:
    numbers = values.dropna().astype(float).tolist()
    bounds = median_bounds(numbers)
    return {
        "samples": len(numbers),
        "median": values.median(),
        "lower": bounds.lower if bounds else None,
        "upper": bounds.upper if bounds else None,
        "min": values.min(),
        "max": values.max(),
        "cv": coefficient_of_variation(numbers),
    }


def up_to(rows: pd.DataFrame, run_id: str) -> pd.DataFrame:
    """Rows of a run and of those before it, of a frame in the order of the runs."""
    order = list(dict.fromkeys(rows["run_id"]))
    return rows[rows["run_id"].isin(order[: order.index(run_id) + 1] if run_id in order else [])]


def nightly(samples: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row per series and run, series by series in the order of the runs.

    A virtual phone shares no series with a phone, whatever serial number it was given.

    Of several artifacts that a run measured in one series, the last one makes the night: their
    samples are never pooled.

    A run in which the device was not fit to measure a series has none of it: the few samples that
    came before say more of the device's state than of the artifact.

    Args:
        samples: ``History.samples`` or a part of it.
        verdicts: ``History.verdicts`` of the same runs.

    Returns:
        Columns ``series`` (a number), ``run_id``, those of ``SERIES``, ``unit``, ``virtual``, and
        ``median``, ``low`` and ``high`` of the samples that count: those that its verdict rests on
        where a series has one, so that a trend tells what the verdict does.
    """
    counted = _of_last_artifact(_without_blocked(measured(samples), verdicts))
    counted = _as_judged(counted, verdicts)
    numbered = counted.assign(
        series=counted.groupby([*SERIES, "virtual"], dropna=False, sort=False).ngroup()
    )
    # Groups keep the order of the rows, which is that of the runs.
    grouped = numbered.groupby(["series", "run_id"], sort=False)
    about = grouped[[*SERIES, "unit", "virtual"]].first()
    values = grouped["value"].agg(median="median", low="min", high="max")
    points = about.join(values).dropna(subset=["median"]).reset_index()
    return points.sort_values("series", kind="stable", ignore_index=True)


def _of_last_artifact(samples: pd.DataFrame) -> pd.DataFrame:
    ordered = samples.sort_values("at", kind="stable")
    last = ordered.drop_duplicates(["run_id", *SERIES, "virtual"], keep="last")
    keys = ["run_id", *MEASURED_BY, "virtual"]
    return samples.merge(last[keys], on=keys, how="inner")


def _as_judged(samples: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Without the runs that came after a series' verdict, for the sake of other metrics."""
    keys = ["run_id", *MEASURED_BY]
    counts = final_frame(verdicts).groupby(keys, dropna=False)["n_samples"].max().reset_index()
    ordered = samples.sort_values(["run_id", "run_index"], kind="stable")
    place = ordered.groupby(keys, dropna=False).cumcount()
    judged = ordered.merge(counts, on=keys, how="left")["n_samples"].set_axis(ordered.index)
    return ordered[judged.isna() | (place < judged)].sort_index()


def _without_blocked(samples: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    keys = ["run_id", *MEASURED_BY]
    ended = final_frame(verdicts)
    blocked = ended.loc[ended["status"] == Status.BLOCKED.value, keys].drop_duplicates()
    found = samples.merge(blocked, on=keys, how="left", indicator=True)
    return found[found["_merge"] == "left_only"].drop(columns="_merge")
