"""A match of two tables by polars, with a report: the peer of `tiepoint match -o`.

usage: polars_report.py FOLDER OUT csv|parquet

FOLDER holds local.* and remote.* of the peers' generator, OUT is the report of 30 columns as CSV. Candidates lie within
50 m and 5 s; the nearest pairs go first, each photo and image once. Prints one line of JSON: CPU seconds of the whole
process, of the report alone, wall seconds, peak memory, right matches.
"""
import json
import resource
import sys
import time

import numpy as np
import polars as pl

SPACE_M, TIME_MS, DEGREE_M = 50.0, 5000, 111320.0


def one_to_one(local, remote, cost, n_local):
    """Rounds of pairs that are each other's best; the row of the remote table for each local one, or -1."""
    matched = np.full(n_local, -1, np.int64)
    while len(local):
        order = np.lexsort((cost, local))
        local, remote, cost = local[order], remote[order], cost[order]
        first = np.r_[True, local[1:] != local[:-1]]
        best_local, best_remote, best_cost = local[first], remote[first], cost[first]
        order = np.lexsort((best_cost, best_remote))
        best_local, best_remote = best_local[order], best_remote[order]
        wins = np.r_[True, best_remote[1:] != best_remote[:-1]]
        matched[best_local[wins]] = best_remote[wins]
        open_ = ~(np.isin(local, best_local[wins]) | np.isin(remote, best_remote[wins]))
        local, remote, cost = local[open_], remote[open_], cost[open_]
    return matched


def metres(lat, lon):
    """Squared way from the local place to another, m²."""
    east = (pl.col(lon) - pl.col("lon")) * DEGREE_M * pl.col("lat").radians().cos()
    return ((pl.col(lat) - pl.col("lat")) * DEGREE_M) ** 2 + east**2


def matches(local, remote):
    left = local.lazy().with_columns(bucket=pl.col("t") // TIME_MS)
    right = remote.lazy().select(rt="t", rlat="lat", rlon="lon").with_row_index("r")
    right = pl.concat([right.with_columns(bucket=pl.col("rt") // TIME_MS + k) for k in (-1, 0, 1)])
    away_ms = pl.col("rt") - pl.col("t")
    pairs = left.join(right, on="bucket").filter(away_ms.abs() <= TIME_MS)
    pairs = pairs.with_columns(m2=metres("rlat", "rlon")).filter(pl.col("m2") <= SPACE_M**2)
    cost = (away_ms / TIME_MS) ** 2 + pl.col("m2") / SPACE_M**2
    pairs = pairs.select("id", "r", cost=cost).collect(engine="streaming")
    columns = pairs["id"].to_numpy(), pairs["r"].to_numpy().astype("i8"), pairs["cost"].to_numpy()
    return one_to_one(*columns, len(local))


def report(local, remote, matched):
    rows = pl.Series(matched)
    rows = rows.set(rows < 0, None)
    images = remote.select(pl.all().gather(rows)).rename({name: "r_" + name for name in remote.columns})
    is_matched = pl.col("r_id").is_not_null()
    told = lambda ms: pl.from_epoch(pl.col(ms), time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    return pl.concat([local, images], how="horizontal").with_columns(
        captured_at=told("t"),
        published_at=told("r_t"),
        status=pl.when(is_matched).then(pl.lit("matched")).otherwise(pl.lit("unmatched")),
        reason=pl.when(is_matched).then(pl.lit("exact")).otherwise(pl.lit("not_published_yet")),
        distance_m=metres("r_lat", "r_lon").sqrt().round(3),
        computed_distance_m=metres("r_clat", "r_clon").sqrt().round(3),
        time_delta_ms=pl.col("r_t") - pl.col("t"),
        altitude_delta_m=(pl.col("r_alt") - pl.col("alt")).round(3),
        probability=pl.when(is_matched).then(0.9999),
        **{f"empty_{k}": pl.lit("") for k in range(6)},
    )


def main():
    folder, out, form = sys.argv[1:4]
    begin = time.perf_counter()
    scan = pl.scan_csv if form == "csv" else pl.scan_parquet
    local, remote = (scan(f"{folder}/{name}.{form}").collect() for name in ("local", "remote"))
    matched = matches(local, remote)
    before_report = time.process_time()
    report(local, remote, matched).write_csv(out)
    used = resource.getrusage(resource.RUSAGE_SELF)
    truth = np.fromfile(f"{folder}/truth.bin", "i8")
    line = {
        "peer": f"polars {pl.__version__}, {form}, with a report",
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "report_s": round(time.process_time() - before_report, 2),
        "wall_s": round(time.perf_counter() - begin, 2),
        "peak_mib": used.ru_maxrss // 1024,
        "right": int((matched[matched >= 0] == truth[matched >= 0]).sum()),
    }
    print(json.dumps(line))


main()
