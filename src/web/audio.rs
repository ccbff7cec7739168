//! Recordings below the rules folder, for `play:`; nothing else of that folder can be had.

use std::path::Path;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Data, Path as Parts};

use crate::model::ids::OrgSlug;
use crate::web::Front;

/// Kinds of recordings that the carrier plays, by the file's ending.
const KINDS: [(&str, &str); 8] = [
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("aif", "audio/aiff"),
    ("aiff", "audio/aiff"),
    ("aifc", "audio/x-aifc"),
    ("gsm", "audio/x-gsm"),
    ("ulaw", "audio/basic"),
    ("au", "audio/basic"),
];

/// Largest recording; the carrier takes no longer ones either.
const LARGEST: u64 = 40 << 20;

/// Sends a recording.
pub async fn recording(parts: Parts<(String, String)>, front: Data<Front>) -> HttpResponse {
    let (org, path) = parts.into_inner();
    let known = OrgSlug::parse(&org).is_ok_and(|slug| front.app.live.now().organization(&slug).is_some());
    let Some(kind) = kind(&path).filter(|_| known && is_plain(&path)) else {
        return HttpResponse::NotFound().finish();
    };
    let folder = front.rules.clone();
    match tokio::task::spawn_blocking(move || read(&folder, &path)).await {
        Ok(Some(bytes)) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, kind))
            .insert_header((CACHE_CONTROL, "public, max-age=300"))
            .body(bytes),
        Ok(None) | Err(_) => HttpResponse::NotFound().finish(),
    }
}

fn kind(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    KINDS.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind)
}

/// A path that cannot lead out of the folder, nor to a hidden file.
fn is_plain(path: &str) -> bool {
    let fits = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    path.split('/').all(fits)
}

fn read(folder: &Path, path: &str) -> Option<Vec<u8>> {
    // A link may lead to another place of the folder, and to no other.
    let folder = folder.canonicalize().ok()?;
    let file = folder.join(path).canonicalize().ok()?;
    let about = std::fs::metadata(&file).ok()?;
    if !file.starts_with(&folder) || !about.is_file() || about.len() > LARGEST {
        return None;
    }
    std::fs::read(&file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_recordings_at_plain_paths_can_be_had() {
        assert_eq!(kind("audio/closed.MP3"), Some("audio/mpeg"));
        assert_eq!(kind("acme.yaml"), None);
        assert!(is_plain("audio/de/closed.mp3"));
        for path in ["../x.mp3", "audio/../../x.mp3", "/etc/x.mp3", "a//b.mp3", ".x.mp3", "a/.b/c.mp3", "a\\..\\b.mp3"]
        {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn a_link_out_of_the_folder_leads_nowhere() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("x.mp3"), "secret").unwrap();
        std::fs::write(inside.path().join("y.mp3"), "sound").unwrap();
        std::os::unix::fs::symlink(outside.path().join("x.mp3"), inside.path().join("x.mp3")).unwrap();
        assert_eq!(read(inside.path(), "x.mp3"), None);
        assert_eq!(read(inside.path(), "y.mp3").as_deref(), Some(&b"sound"[..]));
    }
}
