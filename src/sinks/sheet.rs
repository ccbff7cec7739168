//! Rows of a Google sheet. Appending twice would make two rows, so after every doubt the rows behind the last known
//! one are read, and what stands there already is left out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::app::ports::{Clock, Later};
use crate::feed::plan;
use crate::feed::sheet::{COLUMNS, Header, header, last_row, row};
use crate::sinks::google::{Leave, always_later};
use crate::sinks::{Deliver, Item, Memory, Portion, Trouble, web};

const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets";

/// The place.
#[derive(Debug)]
pub(in crate::sinks) struct Sheet {
    client: Client,
    leave: Leave,
    base: String,
    id: String,
    tab: String,
    pause: Duration,
    last: Option<Instant>,
    sure: bool,
}

/// What is remembered of the sheet.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Known {
    /// The last row that is known to be ours.
    row: u64,
}

#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    values: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct Appended {
    updates: Updates,
}

#[derive(Deserialize)]
struct Updates {
    #[serde(rename = "updatedRange")]
    range: String,
}

impl Sheet {
    pub(in crate::sinks) fn new(plan: &plan::Sheet, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        Ok(Self {
            client: web::client()?,
            leave: Leave::new(&plan.credentials_file, SCOPE, clock)?,
            base: plan.base_url.trim_end_matches('/').to_owned(),
            id: plan.id.clone(),
            // Quoted, as names with spaces must be; quotes within are doubled.
            tab: format!("'{}'", plan.tab.replace('\'', "''")),
            pause: Duration::from_millis(plan.pause_ms),
            last: None,
            sure: false,
        })
    }

    /// The address of a range, with what is asked of it.
    fn url(&self, range: &str, act: &str) -> Result<Url, Trouble> {
        let wrong = || Trouble::later("its address is none");
        let mut url = Url::parse(&self.base).map_err(|_unshown| wrong())?;
        let range = format!("{}!{range}{act}", self.tab);
        url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend([
            "v4",
            "spreadsheets",
            &self.id,
            "values",
            &range,
        ]);
        Ok(url)
    }

    /// The interface counts requests by the minute: each waits for its turn.
    async fn turn(&mut self) -> Result<String, Trouble> {
        if let Some(last) = self.last {
            tokio::time::sleep(self.pause.saturating_sub(last.elapsed())).await;
        }
        let token = self.leave.token(&self.client).await?;
        self.last = Some(Instant::now());
        Ok(token)
    }

    async fn read(&mut self, range: &str) -> Result<Vec<Vec<String>>, Trouble> {
        let token = self.turn().await?;
        let answer =
            web::asked(self.client.get(self.url(range, "")?).bearer_auth(token)).await.map_err(always_later)?;
        let read: Values =
            serde_json::from_str(&answer).map_err(|_unshown| Trouble::later("its answer holds no rows"))?;
        let text = |cell: Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
        Ok(read.values.into_iter().map(|row| row.into_iter().map(text).collect()).collect())
    }

    /// The first row is ours, or made so.
    async fn head(&mut self) -> Result<(), Trouble> {
        let first = self.read("1:1").await?.into_iter().next().unwrap_or_default();
        match header(&first) {
            Header::Ours => Ok(()),
            Header::Foreign(found) => Err(Trouble::later(format!(
                "the first row of {} is not ours (`{found}`): name an empty tab with `tab`",
                self.tab
            ))),
            Header::Missing => {
                let token = self.turn().await?;
                let mut url = self.url("A1", "")?;
                url.query_pairs_mut().append_pair("valueInputOption", "RAW");
                let body = json!({ "majorDimension": "ROWS", "values": [COLUMNS] });
                web::asked(self.client.put(url).bearer_auth(token).json(&body)).await.map_err(always_later).map(drop)
            }
        }
    }

    async fn append(&mut self, items: &[Item], known: &mut Known) -> Result<(), Trouble> {
        let mut there = BTreeSet::new();
        if !self.sure {
            self.head().await?;
            let from = known.row.max(1) + 1;
            let rows = self.read(&format!("A{from}:A")).await?;
            known.row = from - 1 + rows.len() as u64;
            there.extend(rows.into_iter().filter_map(|row| row.into_iter().next()));
            self.sure = true;
        }
        let rows: Vec<Vec<Value>> = items
            .iter()
            .filter(|item| !there.contains(&item.record.id.to_string()))
            .map(|item| row(&item.record))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        // Until the answer is there, nobody knows whether the rows are.
        self.sure = false;
        let token = self.turn().await?;
        let mut url = self.url("A1", ":append")?;
        url.query_pairs_mut().append_pair("valueInputOption", "RAW").append_pair("insertDataOption", "INSERT_ROWS");
        let body = json!({ "majorDimension": "ROWS", "values": rows });
        let answer = web::asked(self.client.post(url).bearer_auth(token).json(&body)).await?;
        let appended: Appended = serde_json::from_str(&answer)
            .map_err(|_unshown| Trouble::later("its answer does not say where the rows are"))?;
        known.row = last_row(&appended.updates.range).unwrap_or(known.row);
        self.sure = true;
        Ok(())
    }
}

impl Deliver for Sheet {
    fn portion(&self) -> Portion {
        Portion { count: 500, bytes: 2 << 20 }
    }

    fn deliver<'a>(&'a mut self, items: &'a [Item], memory: &'a mut Memory) -> Later<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let mut known: Known = serde_json::from_value(memory.clone()).unwrap_or_default();
            let answer = self.append(items, &mut known).await;
            if let Err(Trouble::Later { why, .. }) = &answer
                && why.starts_with("it answers 401")
            {
                self.leave.forget();
            }
            // Rows that were seen need not be read again, whatever became of the rest.
            *memory = serde_json::to_value(known).unwrap_or_default();
            answer
        })
    }
}
