//! After a fork.

use std::process::{self, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use brigade::{EventLoop, ThreadPool};

use crate::loops::PATIENCE;

const FORKS: &str = "BRIGADE_TEST_FORKS";

/// How the process that forked exits: one that found no such test to run exits with 0.
const FORKED: i32 = 17;

#[test]
fn after_a_fork_the_child_may_drop_handles() {
    if std::env::var_os(FORKS).is_some() {
        fork_and_drop();
        process::exit(FORKED);
    }
    // In a process of its own: a fork of this one would copy other tests' locks as they happen to be.
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "fork::after_a_fork_the_child_may_drop_handles"])
        .env(FORKS, "1")
        .stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let (send, ended) = mpsc::channel();
    thread::spawn(move || send.send(child.wait()));
    let Ok(status) = ended.recv_timeout(PATIENCE) else {
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
        panic!("the child of a fork hangs");
    };
    assert_eq!(status.unwrap().code(), Some(FORKED));
}

fn fork_and_drop() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let pool = ThreadPool::new();
    pool.spawn(|| ()).unwrap().join().unwrap();
    pool.wait_idle().unwrap();
    let joined = pool.spawn(|| 7).unwrap();
    pool.wait_idle().unwrap();
    let waits = handle.defer_to_thread(|| 7).unwrap();
    // SAFETY: the child calls nothing but drops of ours and `_exit`; no other thread holds a lock that these
    // take, as the pool is idle and the loop does not run.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no fork");
    if pid == 0 {
        drop((handle, pool.clone(), joined, waits));
        // SAFETY: it ends this process, without running what the parent registered.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: `status` is a place to write to, and the child is this process's own.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((waited, status), (pid, 0), "the child ended well");
    // The parent goes on as if nothing had been.
    assert_eq!(joined.join().unwrap(), 7);
    handle.quit().unwrap();
    event_loop.run().unwrap();
    assert_eq!(waits.join().unwrap(), 7);
    pool.shutdown().unwrap();
}
