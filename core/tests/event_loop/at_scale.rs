//! A million calls into a running event loop.

use std::cell::RefCell;
use std::thread;

use brigade::EventLoop;

const CALLERS: usize = 4;
const CALLS: usize = 250_000;

#[test]
fn e1_a_million_calls_from_four_threads_each_once_and_in_order_per_caller() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    // Confined to the loop: no lock orders what is asserted.
    let next = event_loop.here().confine(RefCell::new([0; CALLERS]));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (handle, next) = (handle.clone(), next.clone());
            thread::spawn(move || {
                for number in 0..CALLS {
                    let next = next.clone();
                    let call = handle.call_from_thread(move |on| {
                        let next = next.open(on).unwrap();
                        let next = &mut next.borrow_mut()[caller];
                        assert_eq!(*next, number, "of caller {caller}");
                        *next += 1;
                    });
                    call.unwrap();
                }
            })
        })
        .collect();
    let ends = thread::spawn(move || {
        for caller in callers {
            caller.join().unwrap();
        }
        handle.quit().unwrap();
    });
    assert!(event_loop.run().unwrap().is_empty());
    ends.join().unwrap();
    let next = next.open(event_loop.here()).unwrap();
    assert_eq!(*next.borrow(), [CALLS; CALLERS]);
}
