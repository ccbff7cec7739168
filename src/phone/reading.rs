//! What Twilio makes of an answer: a document, audio, words to read aloud, or an error with a number.

use crate::phone::wire::Reply;
use crate::twiml::document::{self, Response};

/// Most bytes of TwiML that Twilio reads; whether it means 64,000 or 65,536 is not said.
const MAX_DOCUMENT: usize = 65_536;

/// What an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// Verbs to follow.
    Document(Response),
    /// A sound to play before hanging up.
    Audio,
    /// Words to read aloud before hanging up.
    Spoken(String),
}

/// Why an answer is of no use; the number is Twilio's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Useless {
    pub(crate) code: u32,
    pub(crate) text: String,
}

/// Reads an answer as Twilio does.
pub(crate) fn read(reply: &Reply) -> Result<Content, Useless> {
    if !(200..300).contains(&reply.status) {
        return useless(11200, format!("the server answered {}", reply.status));
    }
    if reply.body.len() > MAX_DOCUMENT && !is(reply, "audio/") {
        return useless(11750, format!("the answer is {} bytes; TwiML may have 64 kB", reply.body.len()));
    }
    let Some(content_type) = &reply.content_type else {
        return useless(12300, "the answer has no Content-Type; send `text/xml`".to_owned());
    };
    if is(reply, "audio/") {
        return Ok(Content::Audio);
    }
    if is(reply, "text/xml") || is(reply, "application/xml") || is(reply, "text/html") {
        return parse(reply).map(Content::Document);
    }
    if is(reply, "text/plain") {
        let spoken = || Content::Spoken(String::from_utf8_lossy(&reply.body).trim().to_owned());
        return Ok(parse(reply).map_or_else(|_| spoken(), Content::Document));
    }
    useless(12300, format!("`{content_type}` is no content type of TwiML; send `text/xml`"))
}

/// What is doubtful about an answer that can be read.
pub(crate) fn doubts(reply: &Reply) -> Option<String> {
    if reply.redirects > 0 {
        return Some("the server redirected: observers differ on which fields survive that".to_owned());
    }
    (reply.body.len() > 64_000 && reply.body.len() <= MAX_DOCUMENT)
        .then(|| "the answer is over 64,000 bytes, which may already be more than Twilio reads".to_owned())
}

fn parse(reply: &Reply) -> Result<Response, Useless> {
    let Ok(text) = std::str::from_utf8(&reply.body) else {
        return useless(12100, "the document is not UTF-8".to_owned());
    };
    if text.is_empty() {
        return useless(11770, "the answer is empty; `<Response/>` is how to do nothing".to_owned());
    }
    document::parse(text).or_else(|error| useless(12100, error.to_string()))
}

fn is(reply: &Reply, kind: &str) -> bool {
    reply.content_type.as_deref().is_some_and(|found| found.trim().to_ascii_lowercase().starts_with(kind))
}

fn useless<T>(code: u32, text: String) -> Result<T, Useless> {
    Err(Useless { code, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, content_type: Option<&str>, body: &str) -> Reply {
        Reply {
            status,
            content_type: content_type.map(str::to_owned),
            body: body.as_bytes().to_vec(),
            url: "http://127.0.0.1/".to_owned(),
            redirects: 0,
        }
    }

    fn code(status: u16, content_type: Option<&str>, body: &str) -> Option<u32> {
        read(&reply(status, content_type, body)).err().map(|useless| useless.code)
    }

    #[test]
    fn answers_are_judged_as_twilio_judges_them() {
        let fine = "<Response/>";
        for kind in ["text/xml", "application/xml; charset=utf-8", "text/html", "Text/XML", "text/plain"] {
            assert_eq!(code(200, Some(kind), fine), None, "{kind}");
        }
        assert_eq!(code(200, Some("application/json"), "{}"), Some(12300));
        assert_eq!(code(200, None, fine), Some(12300));
        assert_eq!(code(200, Some("text/xml"), ""), Some(11770));
        assert_eq!(code(200, Some("text/xml"), " <?xml version=\"1.0\"?><Response/>"), Some(12100));
        assert_eq!(code(200, Some("text/xml"), "<Response><Say>a & b</Say></Response>"), Some(12100));
        assert_eq!(code(403, Some("text/xml"), fine), Some(11200));
        assert_eq!(code(500, Some("text/xml"), fine), Some(11200));
        assert_eq!(code(200, Some("text/xml"), &format!("<Response>{}</Response>", " ".repeat(66_000))), Some(11750));
    }

    #[test]
    fn plain_text_is_read_aloud_and_audio_played() {
        assert_eq!(
            read(&reply(200, Some("text/plain"), "We are closed")),
            Ok(Content::Spoken("We are closed".to_owned()))
        );
        assert_eq!(read(&reply(200, Some("audio/mpeg"), "x")), Ok(Content::Audio));
    }
}
