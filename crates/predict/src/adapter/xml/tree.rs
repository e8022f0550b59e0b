//! A completion as a tree of elements, in the terms of Python's `ElementTree`: each element has the text before its
//! first child, and each child the text after it.

use indexmap::IndexMap;

use crate::python::json::MAX_DEPTH;

/// An element.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) tag: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
    /// The text between this element and the next.
    pub(super) tail: String,
}

impl Element {
    /// The children by tag, in order of the first of each; an `entry` goes by its key.
    pub(super) fn groups(&self) -> IndexMap<&str, Vec<&Element>> {
        let mut groups: IndexMap<&str, Vec<&Element>> = IndexMap::new();
        for child in &self.children {
            let key = child.attributes.iter().find(|(name, _)| child.tag == "entry" && name == "key");
            let name = key.map_or(child.tag.as_str(), |(_, key)| key.as_str());
            groups.entry(name).or_default().push(child);
        }
        groups
    }

    /// The element and its tail as XML, as `ElementTree.tostring` writes it.
    pub(super) fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.tag);
        for (name, value) in &self.attributes {
            let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            let value = value.replace('\r', "&#13;").replace('\n', "&#10;").replace('\t', "&#09;");
            out.push_str(&format!(" {name}=\"{value}\""));
        }
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str(" />");
        } else {
            out.push('>');
            out.push_str(&escape(&self.text));
            self.children.iter().for_each(|child| child.write(out));
            out.push_str(&format!("</{}>", self.tag));
        }
        out.push_str(&escape(&self.tail));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The tree of a completion under a root of its own.
pub(super) fn parse(completion: &str) -> Result<Element, String> {
    let text = format!("<dspy_root>{completion}</dspy_root>");
    check_limits(&text)?;
    let document = roxmltree::Document::parse(&text).map_err(|error| error.to_string())?;
    Ok(element(document.root_element()))
}

/// More attributes than this in one tag are refused: the parser compares each with each.
const MAX_ATTRIBUTES: usize = 100;
/// More namespaces than this in one text are refused: the parser looks each name up among them.
const MAX_NAMESPACES: usize = 10;

/// Refuses what would cost the parser more than a pass over the text, before the parser sees it.
fn check_limits(text: &str) -> Result<(), String> {
    if text.matches("xmlns").nth(MAX_NAMESPACES).is_some() {
        return Err(format!("more than {MAX_NAMESPACES} namespaces"));
    }
    let mut depth = 0_usize;
    for tag in text.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or((tag, ""));
        if tag.matches('=').nth(MAX_ATTRIBUTES).is_some() {
            return Err(format!("more than {MAX_ATTRIBUTES} attributes"));
        }
        match tag.as_bytes().first() {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b'!' | b'?') => {}
            _ => depth += usize::from(!tag.ends_with('/')),
        }
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
    }
    Ok(())
}

fn element(node: roxmltree::Node<'_, '_>) -> Element {
    let qualified = |namespace: Option<&str>, name: &str| match namespace {
        Some(namespace) => format!("{{{namespace}}}{name}"),
        None => name.to_owned(),
    };
    let attributes = node
        .attributes()
        .map(|attribute| (qualified(attribute.namespace(), attribute.name()), attribute.value().to_owned()));
    let mut read = Element {
        tag: qualified(node.tag_name().namespace(), node.tag_name().name()),
        attributes: attributes.collect(),
        ..Element::default()
    };
    for child in node.children() {
        if child.is_element() {
            read.children.push(element(child));
        } else if let Some(text) = child.text().filter(|_| child.is_text()) {
            let place = read.children.last_mut().map_or(&mut read.text, |last| &mut last.tail);
            place.push_str(text);
        }
    }
    read
}
