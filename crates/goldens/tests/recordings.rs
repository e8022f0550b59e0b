//! The recordings that belong to this crate, and that a difference is seen.

use std::path::{Path, PathBuf};

use goldens::{Report, run};

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings")
}

/// A folder with one record, changed by replacing a text in it.
fn changed(file: &str, id: &str, from: &str, to: &str) -> Report {
    let text = std::fs::read_to_string(recordings().join(file)).expect("the recording is there");
    let record = text.lines().find(|line| line.contains(&format!("\"{id}\""))).expect("the record is there");
    assert!(record.contains(from), "{id} does not hold {from}");
    let folder = std::env::temp_dir().join(format!("goldens-{}-{id}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    std::fs::write(folder.join(file), record.replace(from, to)).expect("the temporary folder can be written");
    let report = run(&folder).expect("the folder can be read");
    std::fs::remove_dir_all(&folder).expect("the temporary folder can be removed");
    report
}

#[test]
fn every_recording_of_tier_core_matches() {
    let report = run(&recordings()).expect("the recordings can be read");
    assert_eq!(report.core_misses(), 0, "{report}");
    let replayed: usize = report.files.iter().flat_map(|file| file.tiers.values()).map(|tally| tally.total).sum();
    assert!(replayed > 200, "only {replayed} records were replayed");
}

#[test]
fn a_byte_more_in_a_prompt_is_a_miss() {
    let report =
        changed("call.jsonl", "own-call-000", "In adhering to this structure", "In  adhering to this structure");
    assert_eq!(report.core_misses(), 1);
    assert!(report.to_string().contains("differs at byte"), "{report}");
}

#[test]
fn another_value_is_a_miss() {
    let result = r#""result": {"fields": {"answer": "4"}"#;
    let report = changed("call.jsonl", "own-call-000", result, r#""result": {"fields": {"answer": 4}"#);
    assert_eq!(report.core_misses(), 1);
}

#[test]
fn another_byte_of_a_saved_file_or_a_body_is_a_miss() {
    let file = changed(
        "program_state.jsonl",
        "own-program_state-014",
        r#"\"prefix\": \"Question:\""#,
        r#"\"prefix\": \"Q:\""#,
    );
    assert_eq!(file.core_misses(), 1, "{file}");
    let body = changed("wire.jsonl", "own-wire-000", r#"{\"model\":"#, r#"{ \"model\":"#);
    assert_eq!(body.core_misses(), 1, "{body}");
}

#[test]
fn an_observation_of_another_kind_is_a_miss() {
    let report = changed("react.jsonl", "own-react-000", r#""observation_0": 4.0"#, r#""observation_0": 4"#);
    assert_eq!(report.core_misses(), 1, "{report}");
}
