//! What is wrong with the settings that describe models, for whoever asks whether the deployment works.

use std::collections::HashSet;

use host::{Host, InvalidSetting, check};

use crate::{
    catalogue::{Catalogue, CatalogueError, ProviderName},
    provider::{openai::OpenAi, scripted::Script},
};

/// What is wrong with `llm_models`, `llm_script`, `openai_url`, `openai_path` and `default_model`, each by its name. The keys
/// of providers are not needed for that, so it can be asked outside of the component that has them.
pub async fn check_settings(host: &Host) -> Vec<InvalidSetting> {
    let setting = async |name| host.variables.get(name).await.ok().flatten();
    let (url, path) = (setting("openai_url").await, setting("openai_path").await.unwrap_or_else(|| "/v1".to_owned()));
    let (models, openai_model) = (setting("llm_models").await, setting("openai_model").await);
    let catalogue = match models.as_deref() {
        Some(text) => Catalogue::from_json(text),
        None => Ok(Catalogue::built_in(openai_model.as_deref().filter(|_| url.is_some()))),
    };
    let mut problems = Vec::new();
    let origin = |url: Option<&str>| match url.map(|url| OpenAi::new(host, url, &path, None)) {
        Some(Err(_)) => Err("is not an origin such as https://api.openai.com, or openai_path is not a path"),
        Some(Ok(_)) | None => Ok(()),
    };
    problems.extend(check(host, "openai_url", origin).await);
    problems.extend(check(host, "llm_models", |_| models_problem(&catalogue, url.is_some())).await);
    let script = |text: Option<&str>| match text.map(Script::from_json) {
        Some(Err(_)) => Err("is not a list of rules (crates/llm/src/provider/scripted.rs)"),
        Some(Ok(_)) | None => Ok(()),
    };
    problems.extend(check(host, "llm_script", script).await);
    let default = |name: Option<&str>| match (name, &catalogue) {
        (Some(name), Ok(catalogue)) if catalogue.find(name).is_none() => {
            Err("names a model that the catalogue does not have")
        }
        _ => Ok(()),
    };
    problems.extend(check(host, "default_model", default).await);
    problems
}

/// What is wrong with the catalogue, without a word of what it says.
fn models_problem(catalogue: &Result<Catalogue, CatalogueError>, has_openai: bool) -> Result<(), &'static str> {
    match catalogue {
        Err(CatalogueError::Json(_)) => Err("is not a JSON list of models (crates/llm/src/catalogue.rs)"),
        Err(CatalogueError::Empty) => Err("names no model"),
        Err(CatalogueError::Duplicate(_)) => Err("names a model twice"),
        Err(CatalogueError::OutOfRange(_)) => Err("has a context or a deadline that is out of range"),
        Ok(catalogue) => {
            let providers: HashSet<_> = catalogue.providers().collect();
            let needs_openai = providers.contains(&ProviderName::OpenAi);
            if needs_openai && !has_openai { Err("names models of openai, but openai_url is empty") } else { Ok(()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use host::fake::Fakes;

    use super::*;

    fn problems(settings: &[(&str, &str)]) -> Vec<String> {
        let fakes = Fakes::without_database();
        for (name, value) in settings {
            fakes.variables.set(name, value);
        }
        block_on(check_settings(&fakes.host)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_wrong_setting_is_named_without_what_it_says() {
        let openai = r#"[{"name":"small","provider":"openai"}]"#;
        let twice = r#"[{"name":"hunter2","provider":"scripted"},{"name":"hunter2","provider":"scripted"}]"#;
        for (name, value, problem) in [
            ("llm_models", "hunter2", "is not a JSON list of models"),
            ("llm_models", "[]", "names no model"),
            ("llm_models", twice, "names a model twice"),
            ("llm_models", r#"[{"name":"a","provider":"scripted","context_tokens":0}]"#, "is out of range"),
            ("llm_models", openai, "openai_url is empty"),
            ("llm_script", "hunter2", "is not a list of rules"),
            ("openai_url", "hunter2", "is not an origin"),
            ("default_model", "hunter2", "names a model that the catalogue does not have"),
        ] {
            let found = problems(&[(name, value)]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(&format!("the setting {name} ")) && found[0].contains(problem), "{found:?}");
            assert!(!found[0].contains("hunter2"), "{found:?}");
        }
    }

    #[test]
    fn settings_that_work_and_those_that_are_empty_have_no_problem() {
        assert!(problems(&[]).is_empty());
        let openai = r#"[{"name":"small","provider":"openai"}]"#;
        let url = ("openai_url", "https://api.openai.com");
        let script = ("llm_script", r#"{"rules":[]}"#);
        assert!(problems(&[url, ("llm_models", openai), ("default_model", "small"), script]).is_empty());
        assert!(problems(&[url, ("openai_model", "gpt-4o"), ("default_model", "gpt-4o")]).is_empty());
    }
}
