//! Completions that were written to break something. Seeded mutations of well-meant completions stand in for a fuzzer:
//! they run on a stable compiler, in bounded time and the same way everywhere.

use std::sync::Arc;

use predict::python::json::{self, MAX_DEPTH};
use predict::python::json_repair::{self, RepairError};
use predict::python::literal_eval::literal_eval;
use predict::python::random::PythonRandom;
use predict::{Adapter, ChatAdapter, JsonAdapter, ModelType, Signature, Type, XmlAdapter};

/// Mutated completions for each adapter.
const MUTATIONS: i64 = 2_000;

const SEEDS: [&str; 12] = [
    "[[ ## answer ## ]]\n{\"n\": [1, 2], \"next\": null}\n\n[[ ## tags ## ]]\n['a', 'b']\n\n[[ ## completed ## ]]",
    "   [[ ## answer ## ]] None\r\n[[ ## tags ## ]]\u{2028}(1, 'x')",
    "```json\n{\"answer\": {\"n\": [1], \"next\": {\"n\": []}}, \"tags\": [\"a\", \"b\"]}\n```",
    "{'answer': {n: [1 2, // c\n], 'next': None}, tags: [\"x\" \"y\", 'z']",
    "{\"answer\": \"he said \"no\", twice\", \"tags\": [\"[a-z\"]+\", \"„q”\"]}{\"answer\": 1}",
    "(1, {\"a\": 'b\\x41\\ud83d\\ude00'}, [2,)\n# note\n{\"k\": ```json {\"x\": 1}```}",
    "{\"rows\": [[1, 2], [3, 4], 5, 6], [7, 8]}, \"more\": {1, 2, {3}}",
    "<answer><n><item>1</item></n><next /></answer>\n<tags><item>a &amp; b</item></tags>",
    "<answer><n>[1, 2]</n></answer><tags/><!-- c --><![CDATA[<x>]]>&#65;",
    "<tags><entry key=\"a b\">1</entry></tags><answer>{\"n\": [1]}</answer>",
    "-0x1F, 1_000, b'x' 'y', {1: (2, [3])}, 1e400, ...",
    "2024-02-29T23:59:59.999999+23:59",
];

const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "'",
    "“",
    "”",
    "„",
    ",",
    ":",
    "\\",
    "\\\"",
    "//",
    "/*",
    "*/",
    "#",
    "```",
    "```json",
    "\n",
    "\u{2028}",
    "\0",
    "<",
    ">",
    "</",
    "/>",
    "&",
    "&#x0;",
    "<!--",
    "<![CDATA[",
    "<?x",
    "[[ ## answer ## ]]",
    "\u{301}",
    "😀",
    "9",
    "None",
    "true",
    " ",
];

fn signature() -> Signature {
    let node = ModelType::new("Node")
        .field("n", Type::list(Type::Int))
        .field("next", Type::optional(Type::Ref("Node".into())));
    let node = Type::Model(Arc::new(node));
    let answer = Type::Union(vec![node.clone(), Type::list(node), Type::DateTime, Type::Float, Type::None]);
    Signature::builder("Hostile")
        .input("question", Type::Str)
        .output("answer", answer)
        .output("tags", Type::set(Type::Str))
        .build()
}

fn adapters() -> [Box<dyn Adapter>; 3] {
    [Box::new(ChatAdapter::default()), Box::new(JsonAdapter::default()), Box::new(XmlAdapter::default())]
}

/// A seed with some pieces put in, taken out, doubled or cut off.
fn mutated(random: &mut PythonRandom) -> String {
    let pick = |random: &mut PythonRandom, len: usize| random.below(len.max(1) as u64) as usize;
    let mut text: Vec<char> = SEEDS[pick(random, SEEDS.len())].chars().collect();
    for _ in 0..=pick(random, 8) {
        let at = pick(random, text.len());
        match pick(random, 6) {
            0 | 1 => drop(text.splice(at..at, PIECES[pick(random, PIECES.len())].chars())),
            2 => drop(text.drain(at..(at + pick(random, 6)).min(text.len()))),
            3 => {
                let copy: Vec<char> = text[at..(at + pick(random, 20)).min(text.len())].to_vec();
                drop(text.splice(at..at, copy));
            }
            4 => text.extend(SEEDS[pick(random, SEEDS.len())].chars()),
            _ => text.truncate(at + text.len() / 2),
        }
    }
    text.into_iter().collect()
}

#[test]
fn no_mutated_completion_makes_a_parser_panic() {
    let (signature, adapters) = (signature(), adapters());
    let mut read = 0;
    for seed in 0..MUTATIONS {
        let text = mutated(&mut PythonRandom::new(seed));
        for adapter in &adapters {
            read += usize::from(adapter.parse(&signature, &text).is_ok());
        }
        let _ = literal_eval(&text);
        assert_ne!(json_repair::loads(&text), Err(RepairError::TooCostly), "{text:?}");
    }
    assert!(read > 0, "among so many mutations some are still read");
}

#[test]
fn deep_nesting_is_refused_and_not_recursed_into() {
    for opening in ["[", "{\"a\":", "(", "{", "[{\"a\": [", "\"a\": {", "<a>", "<a><item>", "{'a': ('b', "] {
        let text = opening.repeat(50_000);
        for adapter in adapters() {
            assert!(adapter.parse(&signature(), &text).is_err(), "{opening}");
        }
        assert_eq!(literal_eval(&text), None);
        let wrapped = format!("[[ ## answer ## ]]\n{text}");
        assert!(ChatAdapter::default().parse(&signature(), &wrapped).is_err(), "{opening}");
    }
}

#[test]
fn the_deepest_values_that_are_read_fit_the_stack_of_a_wasm_instance() {
    // Debug builds take several times the stack of release builds, in which this holds with 512 kB.
    let stack = if cfg!(debug_assertions) { 4096 } else { 512 } * 1024;
    let read = std::thread::Builder::new().stack_size(stack).spawn(|| {
        let text = format!("{}null{}", "{\"n\": [], \"next\": ".repeat(MAX_DEPTH - 2), "}".repeat(MAX_DEPTH - 2));
        let completion = format!("{{\"answer\": {text}, \"tags\": []}}");
        JsonAdapter::default().parse(&signature(), &completion).is_ok()
    });
    assert!(read.expect("a thread can be started").join().expect("the stack suffices"));
}

#[test]
fn long_monotony_is_read_in_one_pass_or_given_up() {
    for piece in [
        "\"",
        "{\"a\": \"b, ",
        "{\"a\": \"x\" y \"z\", ",
        "'a': ",
        "[\"a\" ",
        "} ",
        "\\",
        "„",
        "/*",
        "#",
        "`",
        "((",
        "{\"a\":1,\"a\":",
    ] {
        // Reading doubles its input at most: what comes out is bounded by what went in.
        let text = format!("[{{\"k\": \"{}", piece.repeat(20_000 / piece.len()));
        if let Ok(value) = json_repair::loads(&text) {
            assert!(json::dumps(&value).len() <= 8 * text.len(), "{piece}");
        }
    }
}

#[test]
fn a_text_that_takes_quadratic_time_is_given_up() {
    // Every quote asks whether all quotes up to the end of the array come in pairs. The budget is counted in steps
    // rather than in seconds, so that this does not depend on the machine.
    let text = format!("[\"a\" b{}", " \"x\" y".repeat(20_000));
    assert!(json_repair::loads(&text) == Err(RepairError::TooCostly));
}

#[test]
fn many_attributes_and_namespaces_are_refused() {
    let attributes: String = (0..10_000).map(|index| format!(" a{index}=''")).collect();
    let namespaces: String = (0..10_000).map(|index| format!("<a xmlns:n{index}='u'/>")).collect();
    for text in [format!("<answer{attributes}/>"), namespaces, "<".repeat(1_000_000), "<a</".repeat(200_000)] {
        assert!(XmlAdapter::default().parse(&signature(), &text).is_err());
    }
}

#[test]
fn unions_of_recursive_models_take_bounded_time() {
    // Each level may be either of two models, so that trying both doubles the work with every level.
    let model = |name: &str| {
        let either = Type::Union(vec![Type::Ref("Left".into()), Type::Ref("Right".into()), Type::None]);
        ModelType::new(name).field("v", Type::Int).field("next", either)
    };
    let right = Type::Model(Arc::new(model("Right")));
    let mut left = model("Left");
    left.fields[1].ty = Type::Union(vec![Type::Ref("Left".into()), right, Type::None]);
    let ty = Type::Model(Arc::new(left));
    let value = format!("{}null{}", "{\"v\": 1, \"next\": ".repeat(60), "}".repeat(60));
    // The innermost value is none of an integer, so that every combination fails.
    let value = value.replacen("null", "{\"v\": \"x\", \"next\": null}", 1);
    assert!(predict::coerce::parse_value(&value.into(), &ty).is_err());
}
