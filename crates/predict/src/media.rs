//! Images, sounds and files as field values.

use crate::python::json;
use crate::value::{Map, Value};

/// Opens a media value inside prompt text.
pub(crate) const MARKER_START: &str = "<<CUSTOM-TYPE-START-IDENTIFIER>>";
/// Closes a media value inside prompt text.
pub(crate) const MARKER_END: &str = "<<CUSTOM-TYPE-END-IDENTIFIER>>";

/// A value that reaches the model as a content part of its own rather than as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// An image by address: `https://...` or `data:image/png;base64,...`.
    Image {
        /// The address.
        url: String,
    },
    /// A sound.
    Audio {
        /// The bytes in base64.
        data: String,
        /// The container, for example `wav`.
        format: String,
    },
    /// A file by content or by the provider's id; at least one of the two is set.
    File {
        /// A data URI with the content.
        file_data: Option<String>,
        /// The id under which the provider keeps the file.
        file_id: Option<String>,
        /// The name to show.
        filename: Option<String>,
    },
}

impl Media {
    /// An image by address.
    #[must_use]
    pub fn image(url: impl Into<String>) -> Self {
        Self::Image { url: url.into() }
    }

    /// The content part of OpenAI's chat API.
    #[must_use]
    pub fn to_part(&self) -> Map {
        match self {
            Self::Image { url } => crate::map! {
                "type" => "image_url",
                "image_url" => crate::map! { "url" => url.as_str() },
            },
            Self::Audio { data, format } => crate::map! {
                "type" => "input_audio",
                "input_audio" => crate::map! { "data" => data.as_str(), "format" => format.as_str() },
            },
            Self::File { file_data, file_id, filename } => {
                let members = [("file_data", file_data), ("file_id", file_id), ("filename", filename)];
                let given = members.into_iter().filter_map(|(key, value)| {
                    let text = value.as_deref().filter(|text| !text.is_empty())?;
                    Some((key.to_owned(), Value::from(text)))
                });
                crate::map! { "type" => "file", "file" => given.collect::<Map>() }
            }
        }
    }

    /// The media value that a content part stands for, if it is exactly what [`Media::to_part`] gives.
    #[must_use]
    pub fn from_part(part: &Map) -> Option<Self> {
        let text = |key: &str, member: &str| part.get(key)?.get(member)?.as_str().map(str::to_owned);
        let media = match part.get("type")?.as_str()? {
            "image_url" => Self::Image { url: text("image_url", "url")? },
            "input_audio" => Self::Audio { data: text("input_audio", "data")?, format: text("input_audio", "format")? },
            "file" => Self::File {
                file_data: text("file", "file_data"),
                file_id: text("file", "file_id"),
                filename: text("file", "filename"),
            },
            _ => return None,
        };
        (media.to_part() == *part).then_some(media)
    }

    /// The value inside prompt text, between markers: how DSPy carries media through text and saves them in demos.
    #[must_use]
    pub fn to_marker(&self) -> String {
        let parts = Value::List(vec![Value::Map(self.to_part())]);
        format!("{MARKER_START}{}{MARKER_END}", json::dumps(&parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_survive_as_content_parts() {
        let all = [
            Media::image("https://example.com/a.png"),
            Media::Audio { data: "AAAA".into(), format: "wav".into() },
            Media::File { file_data: None, file_id: Some("file-1".into()), filename: Some("a.pdf".into()) },
        ];
        for media in all {
            assert_eq!(Media::from_part(&media.to_part()), Some(media));
        }
    }
}
