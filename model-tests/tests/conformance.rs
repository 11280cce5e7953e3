//! All that was recorded of the original agrees with ours; what was tampered with does not.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use brigade_model_tests::conformance::{Disagreement, Recording, lock, read, team};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/twisted-vectors.jsonl")
}

fn recordings() -> Vec<Recording> {
    let read = read(&vectors()).unwrap();
    read.into_iter().map(|(_, recording)| recording).collect()
}

/// The first recording of a team that `tamper` can change: it says which step it changed.
fn tampered(tamper: impl Fn(&mut team::Recording) -> Option<usize>) -> (usize, Disagreement) {
    for recording in recordings() {
        let Recording::Team(mut recording) = recording else {
            continue;
        };
        if let Some(step) = tamper(&mut recording) {
            return (step, Recording::Team(recording).replay().unwrap_err());
        }
    }
    panic!("no recording could be changed in this way");
}

#[test]
fn all_recordings_agree() {
    let recordings = recordings();
    assert_eq!(recordings.len(), 1_000);
    for (number, recording) in (1..).zip(recordings) {
        if let Err(disagreement) = recording.replay() {
            panic!("line {number} disagrees:\n{disagreement}");
        }
    }
}

#[test]
fn control_two_swapped_runs_disagree_at_their_step() {
    let (step, disagreement) = tampered(|recording| {
        let step = recording
            .steps
            .iter()
            .position(|step| step.seen.ran.len() > 1)?;
        recording.steps[step].seen.ran.swap(0, 1);
        Some(step)
    });
    assert_eq!(disagreement.at(), step);
}

#[test]
fn control_another_worker_disagrees_at_its_step() {
    let (step, disagreement) = tampered(|recording| {
        let step = recording
            .steps
            .iter()
            .rposition(|step| !step.seen.ran.is_empty())?;
        recording.steps[step].seen.ran[0].1 += 1;
        Some(step)
    });
    assert_eq!(disagreement.at(), step);
}

/// One more or one fewer of anything that is counted is seen, at every step of a recording.
#[test]
fn control_every_changed_count_disagrees_at_its_step() {
    type Count = fn(&mut team::Seen) -> &mut usize;
    let counts: [Count; 3] = [|it| &mut it.idle, |it| &mut it.busy, |it| &mut it.backlog];
    let team = recordings()
        .into_iter()
        .find_map(|recording| match recording {
            Recording::Team(recording) => Some(recording),
            Recording::Lock(_) => None,
        });
    let team = team.unwrap();
    for step in 0..team.steps.len() {
        for count in counts {
            let mut changed = team.clone();
            *count(&mut changed.steps[step].seen) += 1;
            let disagreement = Recording::Team(changed).replay().unwrap_err();
            assert_eq!(disagreement.at(), step);
        }
        let mut changed = team.clone();
        changed.steps[step].seen.failures.push(7);
        assert_eq!(Recording::Team(changed).replay().unwrap_err().at(), step);
        let mut changed = team.clone();
        changed.steps[step].seen.alive.push(7);
        assert_eq!(Recording::Team(changed).replay().unwrap_err().at(), step);
    }
}

#[test]
fn control_another_result_disagrees_at_its_step() {
    let (step, disagreement) = tampered(|recording| {
        let answered = |step: &team::Step| matches!(step.result, Some(team::Outcome::Did(true)));
        let step = recording.steps.iter().rposition(answered)?;
        recording.steps[step].result = Some(team::Outcome::Did(false));
        Some(step)
    });
    assert_eq!(disagreement.at(), step);
}

#[test]
fn control_a_tampered_trace_disagrees_at_its_entry() {
    let find = |recording| match recording {
        Recording::Lock(recording) if recording.trace.len() > 8 => Some(recording),
        _ => None,
    };
    let recording: lock::Recording = recordings().into_iter().find_map(find).unwrap();
    for entry in 0..recording.trace.len() - 1 {
        let mut changed = recording.clone();
        changed.trace.swap(entry, entry + 1);
        assert_eq!(Recording::Lock(changed).replay().unwrap_err().at(), entry);
    }
    let mut changed = recording.clone();
    changed.trace.pop();
    let disagreement = Recording::Lock(changed).replay().unwrap_err();
    assert_eq!(disagreement.at(), recording.trace.len() - 1);
    let mut changed = recording;
    changed.trace.push(changed.trace[0]);
    let disagreement = Recording::Lock(changed).replay().unwrap_err();
    assert_eq!(disagreement.got, "nothing more");
}

/// The program: its exit status, and what it prints.
fn replay(files: &[&Path]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_replay"))
        .args(files)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_program_says_how_many_agree_and_where_the_first_does_not() {
    let (status, out, _) = replay(&[&vectors()]);
    assert_eq!(status, Some(0));
    assert!(
        out.contains("1000 of 1000 agree (team 750 of 750, lock 250 of 250)"),
        "{out}"
    );

    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tampered.jsonl");
    let text = fs::read_to_string(vectors()).unwrap();
    // The first task that ran anywhere ran on another worker.
    fs::write(
        &file,
        text.replacen("\"ran\":[[0,0]]", "\"ran\":[[0,4]]", 1),
    )
    .unwrap();
    let (status, out, _) = replay(&[&file]);
    assert_eq!(status, Some(1));
    assert!(out.contains("999 of 1000 agree"), "{out}");
    assert!(
        out.contains("expected") && out.contains("[(0, 4)]"),
        "{out}"
    );
    assert!(out.contains("got") && out.contains("[(0, 0)]"), "{out}");
}

#[test]
fn the_program_refuses_what_it_cannot_read() {
    let (status, _, err) = replay(&[]);
    assert_eq!(status, Some(2));
    assert!(err.starts_with("usage: "), "{err}");

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (status, _, err) = replay(&[&folder.join("none.jsonl")]);
    assert_eq!(status, Some(2));
    assert!(err.contains("none.jsonl: No such file"), "{err}");

    let file = folder.join("bad.jsonl");
    fs::write(
        &file,
        "\n{\"kind\":\"team\",\"limit\":1,\"steps\":[{\"op\":\"dance\"}]}\n",
    )
    .unwrap();
    let (status, _, err) = replay(&[&vectors(), &file]);
    assert_eq!(status, Some(2));
    assert!(
        err.contains("bad.jsonl:2: not a recording") && err.contains("dance"),
        "{err}"
    );

    fs::write(&file, "").unwrap();
    let (status, _, err) = replay(&[&file]);
    assert_eq!(status, Some(2));
    assert!(err.contains("no recording in it"), "{err}");
}
