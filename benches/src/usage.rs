//! What a process has used, as Linux tells it.

use std::fs;

/// CPU seconds of all threads of this process, those that have ended included only to the tick.
pub fn cpu_s() -> f64 {
    const NS: f64 = 1e9;
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return 0.0 };
    let of_task = |task: fs::DirEntry| -> Option<f64> {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    tasks.flatten().filter_map(of_task).sum::<f64>() / NS
}

/// The most memory that the process has held since [`forget_peak`], MiB.
pub fn peak_mib() -> u64 {
    status_mib("VmHWM:")
}

/// The memory that the process holds, MiB.
pub fn resident_mib() -> u64 {
    status_mib("VmRSS:")
}

/// Lets the peak begin anew: making a world takes more than the world. Where the kernel does not, the old peak stays.
pub fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn status_mib(word: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let told = status.lines().find_map(|line| line.strip_prefix(word));
    told.and_then(|text| text.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}
