//! Documents in Firestore, written in commits; each is named by its record, so that writing it again changes nothing.

use std::sync::Arc;

use anyhow::Context as _;
use reqwest::Client;
use serde_json::Value;

use crate::app::ports::{Clock, Later};
use crate::feed::{document, plan};
use crate::sinks::google::Leave;
use crate::sinks::{Deliver, Item, Memory, Portion, Trouble, web};

const SCOPE: &str = "https://www.googleapis.com/auth/datastore";

/// The place.
#[derive(Debug)]
pub(in crate::sinks) struct Firestore {
    client: Client,
    leave: Leave,
    url: String,
    parent: String,
}

impl Firestore {
    pub(in crate::sinks) fn new(plan: &plan::Firestore, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let leave = Leave::new(&plan.credentials_file, SCOPE, clock)?;
        let project = plan.project.clone().or_else(|| leave.account.project_id.clone());
        let project = project.context("no `project` is given, and the key file names none")?;
        let database = format!("projects/{project}/databases/{}", plan.database);
        let url = format!("{}/v1/{database}/documents:commit", plan.base_url.trim_end_matches('/'));
        let parent = format!("{database}/documents/{}", plan.collection);
        Ok(Self { client: web::client()?, leave, url, parent })
    }
}

impl Deliver for Firestore {
    // A commit may hold ten megabytes, and the typed form is larger than ours.
    fn portion(&self) -> Portion {
        Portion { count: 200, bytes: 2 << 20 }
    }

    fn deliver<'a>(&'a mut self, items: &'a [Item], _: &'a mut Memory) -> Later<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let token = self.leave.token(&self.client).await?;
            let read = |item: &Item| {
                let value: Value = serde_json::from_str(&item.body).unwrap_or_default();
                (item.record.id.to_string(), value)
            };
            let records: Vec<(String, Value)> = items.iter().map(read).collect();
            let body = document::commit(&self.parent, records.iter().map(|(id, record)| (id.clone(), record)));
            let answer = web::asked(self.client.post(&self.url).bearer_auth(token).json(&body)).await;
            if let Err(Trouble::Later { why, .. }) = &answer
                && why.starts_with("it answers 401")
            {
                self.leave.forget();
            }
            answer.map(drop)
        })
    }
}
