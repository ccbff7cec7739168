//! Recordings below the rules folder, for `play:`; nothing else of that folder can be had.

use std::fs::File;
use std::io;
use std::path::Path;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Bytes, Data, Path as Parts};
use futures_util::stream::{self, Stream};
use tokio::io::AsyncReadExt as _;

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

/// Bytes of a recording in memory at once.
const PIECE: usize = 64 << 10;

/// Sends a recording.
pub async fn recording(parts: Parts<(String, String)>, front: Data<Front>) -> HttpResponse {
    let (org, path) = parts.into_inner();
    let known = OrgSlug::parse(&org).is_ok_and(|slug| front.app.live.now().organization(&slug).is_some());
    let Some(kind) = kind(&path).filter(|_| known && is_plain(&path)) else {
        return HttpResponse::NotFound().finish();
    };
    let folder = front.rules.clone();
    match tokio::task::spawn_blocking(move || open(&folder, &path)).await {
        Ok(Some((file, length))) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, kind))
            .insert_header((CACHE_CONTROL, "public, max-age=300"))
            .body(SizedStream::new(length, Box::pin(pieces(file, length)))),
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

fn open(folder: &Path, path: &str) -> Option<(File, u64)> {
    // A link may lead to another place of the folder, and to no other.
    let folder = folder.canonicalize().ok()?;
    let file = folder.join(path).canonicalize().ok()?;
    // Opening what is no file, such as a pipe, may wait for ever.
    if !file.starts_with(&folder) || !file.is_file() {
        return None;
    }
    let file = File::open(&file).ok()?;
    let length = file.metadata().ok()?.len();
    (length <= LARGEST).then_some((file, length))
}

/// The file bit by bit: anybody may ask for recordings, and whoever takes them in slowly must not cost their size.
fn pieces(file: File, length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((tokio::fs::File::from_std(file), length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut piece = Vec::with_capacity(PIECE);
        let count = (&mut file).take(left.min(PIECE as u64)).read_buf(&mut piece).await?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(Some((Bytes::from(piece), (file, left.saturating_sub(count as u64)))))
    })
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

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
        assert!(open(inside.path(), "x.mp3").is_none());
        assert_eq!(open(inside.path(), "y.mp3").map(|(_, length)| length), Some(5));
    }

    #[tokio::test]
    async fn a_recording_comes_whole_though_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let sound: Vec<u8> = (0..200_001_u32).map(|number| number.to_le_bytes()[0]).collect();
        std::fs::write(folder.path().join("x.mp3"), &sound).unwrap();
        let (file, length) = open(folder.path(), "x.mp3").unwrap();
        let sent: Vec<Bytes> = pieces(file, length).try_collect().await.unwrap();
        assert!(sent.len() > 1 && sent.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(sent.concat(), sound);
    }
}
