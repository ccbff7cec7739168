//! Recordings: fetching what a caller has left, and deleting it.

use reqwest::Response;
use serde::Deserialize;

use crate::model::ids::RecordingSid;
use crate::twilio::client::Client;
use crate::twilio::error::Error;
use crate::twilio::exchange;

/// A recording as Twilio describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recording {
    /// Twilio's name for it.
    pub sid: String,
    /// `processing`, `completed`, `absent` and others.
    pub status: String,
    /// Its length in seconds.
    #[serde(default)]
    pub duration: Option<String>,
}

/// A recording's sound, on its way.
#[derive(Debug)]
pub struct Sound {
    /// What kind it is.
    pub content_type: String,
    response: Response,
}

impl Sound {
    /// The next part; none when all has come.
    pub async fn part(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let part = self.response.chunk().await.map_err(|_broken| Error::Unknown("the sound broke off".to_owned()))?;
        Ok(part.map(|bytes| bytes.to_vec()))
    }
}

impl Client {
    /// What Twilio knows of a recording.
    pub async fn recording(&self, sid: &RecordingSid) -> Result<Recording, Error> {
        self.get(&format!("Recordings/{sid}.json"), &[]).await
    }

    /// Its sound as MP3.
    pub async fn sound(&self, sid: &RecordingSid) -> Result<Sound, Error> {
        let response = self.fetch(&format!("Recordings/{sid}.mp3")).await?;
        Ok(Sound { content_type: exchange::content_type(&response), response })
    }

    /// Deletes it for good. One that is not there any more is as good as deleted.
    pub async fn delete_recording(&self, sid: &RecordingSid) -> Result<(), Error> {
        match self.delete(&format!("Recordings/{sid}.json")).await {
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(()),
            done => done,
        }
    }
}
