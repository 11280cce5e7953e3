//! What must not leave an event loop's thread does not compile, and the compiler says what and why.
//!
//! Each snippet is a program of a package of its own, made for this test, that depends on this one.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program, and what the compiler says to it; nothing, if it compiles.
struct Snippet {
    name: &'static str,
    code: &'static str,
    says: &'static [&'static str],
}

const SNIPPETS: &[Snippet] = &[
    Snippet {
        name: "what_is_allowed",
        code: r#"
            let lines = event_loop.here().confine(Rc::new(1));
            let handle = event_loop.handle();
            std::thread::spawn(move || handle.call_from_thread(move |on| drop(lines.open(on))));
        "#,
        says: &[],
    },
    Snippet {
        name: "the_loop_is_sent",
        code: "std::thread::spawn(move || event_loop.run());",
        says: &[
            "`Rc<",
            "cannot be sent between threads safely",
            "within the type `EventLoop`",
        ],
    },
    Snippet {
        name: "the_loop_is_shared",
        code: "std::thread::scope(|it| { it.spawn(|| event_loop.step()); });",
        says: &[
            "`Rc<",
            "cannot be shared between threads safely",
            "within the type `EventLoop`",
        ],
    },
    Snippet {
        name: "the_proof_is_sent",
        code: r#"
            let on = event_loop.here().clone();
            std::thread::spawn(move || on.handle().stop());
        "#,
        says: &[
            "`Rc<",
            "cannot be sent between threads safely",
            "within the type `OnLoop`",
        ],
    },
    Snippet {
        name: "the_proof_is_kept_by_a_call",
        code: r#"
            let on = event_loop.here().clone();
            event_loop.handle().call_from_thread(move |_| drop(on));
        "#,
        says: &[
            "`Rc<",
            "cannot be sent between threads safely",
            "within the type `OnLoop`",
        ],
    },
    Snippet {
        name: "the_proof_outlives_its_call",
        code: r#"
            let (give, _given) = std::sync::mpsc::channel::<&'static OnLoop>();
            event_loop.here().defer_to_thread(|| (), move |on, _| give.send(on).unwrap());
        "#,
        says: &["borrowed data escapes"],
    },
    Snippet {
        name: "a_confined_value_is_sent",
        code: r#"
            let key = event_loop.here().confine(1);
            let open = key.open(event_loop.here()).unwrap();
            std::thread::spawn(move || println!("{open}"));
        "#,
        says: &["`Rc<", "cannot be sent between threads safely"],
    },
    Snippet {
        name: "a_confined_value_is_opened_elsewhere",
        code: r#"
            let key = event_loop.here().confine(1);
            let here = event_loop.here();
            std::thread::scope(|it| { it.spawn(move || key.open(here).is_ok()); });
        "#,
        says: &[
            "`Rc<",
            "cannot be shared between threads safely",
            "within the type `OnLoop`",
        ],
    },
    Snippet {
        name: "a_blocking_call_brings_back_what_is_not_send",
        code: "event_loop.handle().blocking_call_from_thread(|_| Rc::new('x'));",
        says: &[
            "`Rc<char>` cannot be sent between threads safely",
            "blocking_call_from_thread",
        ],
    },
    Snippet {
        name: "a_call_takes_along_what_is_not_send",
        code: r#"
            let text = Rc::new('x');
            event_loop.handle().call_from_thread(move |_| drop(text));
        "#,
        says: &[
            "`Rc<char>` cannot be sent between threads safely",
            "call_from_thread",
        ],
    },
    Snippet {
        name: "work_takes_along_what_is_not_send",
        code: r#"
            let text = Rc::new('x');
            event_loop.here().defer_to_thread(move || drop(text), |_, _| ());
        "#,
        says: &[
            "`Rc<char>` cannot be sent between threads safely",
            "defer_to_thread",
        ],
    },
    Snippet {
        name: "a_call_borrows",
        code: r#"
            let text = String::new();
            event_loop.handle().call_from_thread(|_| println!("{text}"));
        "#,
        says: &["closure may outlive the current function", "`text`"],
    },
];

fn package() -> PathBuf {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile-fail");
    let here = env!("CARGO_MANIFEST_DIR");
    fs::create_dir_all(package.join("src/bin")).unwrap();
    let manifest = format!(
        "[package]\nname = \"compile-fail\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nbrigade = {{ path = {here:?} }}\n\n[workspace]\n"
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    // The versions that this test was built with: so nothing is fetched.
    fs::copy(
        Path::new(here).join("../Cargo.lock"),
        package.join("Cargo.lock"),
    )
    .unwrap();
    for Snippet { name, code, .. } in SNIPPETS {
        let program = format!(
            "#![allow(unused)]\nuse std::rc::Rc;\nuse brigade::{{EventLoop, OnLoop}};\n\
             fn main() {{ let event_loop = EventLoop::new();\n{code}\n}}\n"
        );
        fs::write(package.join(format!("src/bin/{name}.rs")), program).unwrap();
    }
    package
}

#[test]
fn w6_what_must_not_leave_the_loops_thread_does_not_compile_and_the_compiler_says_why() {
    let package = package();
    for Snippet { name, says, .. } in SNIPPETS {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline", "--bin", name])
            .current_dir(&package)
            .env("CARGO_TARGET_DIR", package.join("target"))
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        // Long lines are broken up, and long types cut.
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.success(), says.is_empty(), "{name}: {said}");
        for text in *says {
            assert!(words.contains(text), "{name} does not say {text:?}: {said}");
        }
    }
}
