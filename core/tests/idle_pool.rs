//! A pool with nothing to do costs no processor time.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these are tests on real threads"
)]

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use brigade::ThreadPool;

/// For each thread of that pool: its clock ticks, and how often it was scheduled.
fn threads_of(name: &str) -> BTreeMap<String, [u64; 3]> {
    let mut threads = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        let comm = fs::read_to_string(path.join("comm")).unwrap();
        if !comm.starts_with(name) {
            continue;
        }
        let stat = fs::read_to_string(path.join("stat")).unwrap();
        // After the name, which may have anything in it, `state` is the first; these are the 12th and 13th.
        let after_name = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        let status = fs::read_to_string(path.join("status")).unwrap();
        let switches = |kind: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(kind)).unwrap();
            line.split_whitespace().last().unwrap().parse().unwrap()
        };
        let switches = [
            switches("voluntary_ctxt_switches"),
            switches("nonvoluntary_ctxt_switches"),
        ];
        threads.insert(comm.trim().to_owned(), [ticks, switches[0], switches[1]]);
    }
    threads
}

#[test]
#[ignore = "it measures: takes 12 s, and wants a machine that is not starved"]
fn t9_an_idle_pool_of_100_threads_takes_no_scheduler_ticks_in_10_seconds() {
    let pool = ThreadPool::builder()
        .sizes(100, 100)
        .name("idle")
        .build()
        .unwrap();
    pool.start().unwrap();
    let handles: Vec<_> = (0..1000).map(|n| pool.spawn(move || n).unwrap()).collect();
    for (n, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.join().unwrap(), n);
    }
    // Not to wait for anything: this long, threads may look out for work before they rest.
    std::thread::sleep(Duration::from_secs(2));
    let before = threads_of("idle-");
    assert_eq!(before.len(), 100);
    std::thread::sleep(Duration::from_secs(10));
    let after = threads_of("idle-");
    let ticks =
        |threads: &BTreeMap<String, [u64; 3]>| -> u64 { threads.values().map(|it| it[0]).sum() };
    println!(
        "ticks so far: {}, 10 s later: {}",
        ticks(&before),
        ticks(&after)
    );
    assert_eq!(after, before, "ticks, and switches: voluntary, and not");
    pool.shutdown().unwrap();
}
