//! What OpenAI's models can do, by name, as far as DSPy 3.4.1's snapshot of the catalogue agrees with the recorded requests.

use crate::lm::Capabilities;

/// The capabilities of a family, which a more specific prefix overrides.
pub(super) fn capabilities(model: &str) -> Capabilities {
    let tools = Capabilities { response_format: true, function_calling: true, ..Capabilities::default() };
    let schemas = Capabilities { response_schema: true, ..tools };
    let reasons = Capabilities { reasoning: true, ..schemas };
    let families = [
        ("gpt-5-chat", Capabilities { reasoning: true, ..schemas }),
        ("gpt-5", reasons),
        ("gpt-4.1", schemas),
        ("gpt-4.5", schemas),
        ("gpt-4o-2024-05-13", tools),
        ("gpt-4o", schemas),
        ("gpt-4", tools),
        ("gpt-3.5-turbo", tools),
        ("o1-mini", Capabilities { reasoning: true, ..Capabilities::default() }),
        ("o1", reasons),
        ("o3", reasons),
        ("o4-mini", reasons),
    ];
    let family = families.iter().find(|(prefix, _)| model.starts_with(prefix));
    family.map(|(_, capabilities)| *capabilities).unwrap_or_default()
}
