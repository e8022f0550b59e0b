//! What users of DSPy have reported as wrong, as it is here: like DSPy 3.4.1 does it, because programs that were tuned on its
//! readings are to run unchanged. `docs/from-dspy.md` lists them.

use std::sync::Arc;

use predict::{Adapter, ChainOfThought, ChatAdapter, EnumType, Field, Map, Signature, Type, Value, XmlAdapter, map};

fn signature(ty: Type) -> Signature {
    Signature::new("Reported", None, vec![Field::input("question", Type::Str), Field::output("answer", ty)])
}

/// What `adapter` reads out of `completion`; nothing where it is refused.
fn read(adapter: &dyn Adapter, ty: Type, completion: &str) -> Option<Map> {
    adapter.parse(&signature(ty), completion).ok()
}

/// Names, kinds and descriptions of all fields: `question<`, `answer>mine`.
fn fields(signature: &Signature) -> Vec<String> {
    let arrow = |field: &Field| if field.is_input() { '<' } else { '>' };
    let shown = |field: &Field| format!("{}{}{}", field.name, arrow(field), field.desc.as_deref().unwrap_or_default());
    signature.fields().iter().map(shown).collect()
}

#[test]
fn an_indented_header_keeps_its_brackets_in_the_value() {
    for (completion, answer) in [
        ("  [[ ## answer ## ]] Paris\n\n[[ ## completed ## ]]\n", "]] Paris"),
        (" [[ ## answer ## ]] Paris\n\n[[ ## completed ## ]]\n", "] Paris"),
        ("[[ ## answer ## ]] Paris\n\n[[ ## completed ## ]]\n", "Paris"),
    ] {
        let fields = read(&ChatAdapter::default(), Type::Str, completion);
        assert_eq!(fields, Some(map! {"answer" => answer}), "{completion:?}");
    }
}

#[test]
fn an_enum_is_read_by_the_type_of_its_values() {
    let chat = |ty: Type, text: &str| {
        read(&ChatAdapter::default(), ty, &format!("[[ ## answer ## ]]\n{text}\n\n[[ ## completed ## ]]\n"))
    };
    let rating = Type::Enum(Arc::new(EnumType::new("Rating").member("POOR", 1).member("GOOD", 2)));
    assert_eq!(chat(rating.clone(), "2"), None, "a number is no text, and values are compared with the text");
    assert_eq!(chat(rating, "GOOD"), Some(map! {"answer" => 2}));
    assert_eq!(chat(Type::literal([Value::from(3)]), "3"), Some(map! {"answer" => 3}));
}

#[test]
fn xml_is_read_as_xml() {
    let code = "<answer>\nif a < 20: print(\"R&B\", \"</answer>\")\n</answer>";
    assert_eq!(read(&XmlAdapter::default(), Type::Str, code), None);
}

#[test]
fn a_signature_with_reasoning_of_its_own_has_it_once() {
    let builder = || Signature::builder("Own").input("question", Type::Str);
    let own = builder().output("answer", Type::Str).output_with("reasoning", Type::Str, "mine").build();
    assert_eq!(fields(ChainOfThought::of(own).predict.signature()), ["question<", "reasoning>mine", "answer>"]);
    let given = builder().input_with("reasoning", Type::Str, "given").output("answer", Type::Str).build();
    assert_eq!(fields(ChainOfThought::of(given).predict.signature()), ["question<", "reasoning>", "answer>"]);
}

#[test]
fn of_two_fields_of_one_name_the_later_stays_in_the_place_of_the_earlier() {
    let base = || Signature::builder("Base").input("question", Type::Str).input("reasoning", Type::Str);
    let base = base().output("answer", Type::Str).build();
    let typed = base.clone().append(Field::output("answer", Type::Int).desc("new"));
    assert_eq!(fields(&typed), ["question<", "reasoning<", "answer>new"]);
    assert_eq!(typed.field("answer").map(|field| &field.ty), Some(&Type::Int));
    let turned = base.append(Field::output("question", Type::Int).desc("new"));
    assert_eq!(fields(&turned), ["reasoning<", "question>new", "answer>"]);
}
