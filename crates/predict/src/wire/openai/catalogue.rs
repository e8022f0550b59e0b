//! What OpenAI's models can do, by name, as far as DSPy 3.4.1's snapshot of the catalogue agrees with the recorded requests.

use crate::lm::Capabilities;

const NOTHING: Capabilities =
    Capabilities { response_format: false, response_schema: false, function_calling: false, reasoning: false };
const REASONING_ALONE: Capabilities = Capabilities { reasoning: true, ..NOTHING };
const TOOLS: Capabilities = Capabilities { response_format: true, function_calling: true, ..NOTHING };
const SCHEMAS: Capabilities = Capabilities { response_schema: true, ..TOOLS };
const EVERYTHING: Capabilities = Capabilities { reasoning: true, ..SCHEMAS };

/// Beginnings of names, the more specific before the more general.
const FAMILIES: [(&str, Capabilities); 27] = [
    ("gpt-5-chat-latest", EVERYTHING),
    ("gpt-5-chat", Capabilities { function_calling: false, ..EVERYTHING }),
    ("gpt-5", EVERYTHING),
    ("gpt-4.1", SCHEMAS),
    ("gpt-4.5", NOTHING),
    ("gpt-4o-2024-05-13", TOOLS),
    ("gpt-4o-audio", NOTHING),
    ("gpt-4o-realtime", NOTHING),
    ("gpt-4o", SCHEMAS),
    ("ft:gpt-4o", SCHEMAS),
    ("gpt-4-32k", NOTHING),
    ("gpt-4-0125", NOTHING),
    ("gpt-4-turbo-preview", NOTHING),
    ("gpt-4", TOOLS),
    ("gpt-3.5-turbo-16k", NOTHING),
    ("gpt-3.5-turbo-instruct", NOTHING),
    ("gpt-3.5-turbo", TOOLS),
    ("o1-mini", REASONING_ALONE),
    ("o1-preview", REASONING_ALONE),
    ("o1", EVERYTHING),
    ("o3-deep-research", REASONING_ALONE),
    ("o3", EVERYTHING),
    ("o4-mini-deep-research", REASONING_ALONE),
    ("o4-mini", EVERYTHING),
    ("codex-mini", REASONING_ALONE),
    ("chatgpt", NOTHING),
    ("davinci", NOTHING),
];

/// What is known of a model; of an unknown one, nothing.
pub(super) fn capabilities(model: &str) -> Capabilities {
    let family = FAMILIES.iter().find(|(beginning, _)| model.starts_with(beginning));
    family.map_or(NOTHING, |(_, capabilities)| *capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_can_what_dspys_catalogue_says() {
        // Read off `dspy.LM(...).supports_*` and `.supported_params` of DSPy 3.4.1.
        for (model, expected) in [
            ("gpt-4o-mini-2024-07-18", SCHEMAS),
            ("gpt-4o-2024-05-13", TOOLS),
            ("gpt-4o-mini-search-preview", SCHEMAS),
            ("gpt-4-1106-preview", TOOLS),
            ("gpt-4-0125-preview", NOTHING),
            ("gpt-3.5-turbo-1106", TOOLS),
            ("gpt-5.6-luna", EVERYTHING),
            ("gpt-5.1-chat-latest", EVERYTHING),
            ("o3-mini-2025-01-31", EVERYTHING),
            ("o1-preview", REASONING_ALONE),
            ("my-model", NOTHING),
        ] {
            assert_eq!(capabilities(model), expected, "{model}");
        }
    }
}
