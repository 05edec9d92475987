//! The load: what the writers of the crash proof do, and beside it reads, refused calls and calls to IAM.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::client::{Answer, Api, Endpoint, Kms, Who};
use crate::failure::Failure;
use crate::killing::Pulse;
use crate::world::writer::{Ended, Writer};

/// A key that nobody made.
const UNKNOWN_KEY: &str = "12345678-1234-1234-1234-123456789012";

/// What works beside a writer: the IAM users that it made.
#[derive(Debug, Default)]
pub(super) struct Worker {
    users: Vec<String>,
    names: usize,
}

/// What all work at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) pulse: &'a Pulse,
}

/// One further call: who asks which API for what, and whether it must be refused.
struct Call {
    who: Who,
    api: Api,
    operation: &'static str,
    input: Value,
    refused: bool,
}

impl Worker {
    /// Works with the writer until nobody answers.
    pub(super) async fn work(
        &mut self,
        writer: &mut Writer,
        desk: Desk<'_>,
        chance: Chance,
    ) -> Result<(), Failure> {
        let outcome = self.work_until_gone(writer, desk, chance).await;
        desk.pulse.end();
        outcome
    }

    async fn work_until_gone(
        &mut self,
        writer: &mut Writer,
        desk: Desk<'_>,
        mut chance: Chance,
    ) -> Result<(), Failure> {
        let Some(mut client) = Kms::connect(desk.endpoint.clone()).await? else { return Ok(()) };
        loop {
            let ended = if chance.percent(50) {
                let step = writer.draw(&mut chance);
                writer.take(&mut client, step, &mut chance).await?
            } else {
                let call = self.draw(writer, &mut chance);
                self.take(&mut client, call).await?
            };
            match ended {
                Ended::Acknowledged(_) => desk.pulse.beat(),
                Ended::Gone => return Ok(()),
            }
        }
    }

    fn draw(&mut self, writer: &Writer, chance: &mut Chance) -> Call {
        let keys: Vec<&String> = writer.world.keys.keys().collect();
        match chance.below(10) {
            0..3 => self.draw_iam(writer.number, chance),
            3..7 => draw_refused(&keys, chance),
            _ => draw_read(&keys, chance),
        }
    }

    fn draw_iam(&mut self, number: usize, chance: &mut Chance) -> Call {
        let name = chance.pick(&self.users).cloned();
        let call = |operation, input| call(Api::Iam, operation, input);
        match (chance.below(6), name) {
            (0, _) => call("ListUsers", json!({})),
            (1, _) => Call { refused: true, ..call("GetUser", json!({ "UserName": "nobody" })) },
            (2, Some(name)) => call("GetUser", json!({ "UserName": name })),
            (3, Some(name)) => {
                self.users.retain(|known| *known != name);
                call("DeleteUser", json!({ "UserName": name }))
            }
            _ => {
                self.names += 1;
                let name = format!("w{number}-{}", self.names);
                call("CreateUser", json!({ "UserName": name }))
            }
        }
    }

    async fn take(&mut self, client: &mut Kms, call: Call) -> Result<Ended, Failure> {
        let Call { who, api, operation, input, refused } = call;
        match client.call_as(who, api, operation, &input).await? {
            Answer::Gone => Ok(Ended::Gone),
            Answer::Done(_) if !refused => {
                let name = input.get("UserName").and_then(Value::as_str);
                self.users.extend(name.filter(|_| operation == "CreateUser").map(str::to_owned));
                Ok(Ended::Acknowledged(None))
            }
            Answer::Refused { error, .. } if refused && !error.is_empty() => Ok(Ended::Acknowledged(None)),
            answer @ (Answer::Done(_) | Answer::Refused { .. }) => {
                Err(Failure::Server(format!("{operation} {input} is answered oddly: {answer:?}")))
            }
        }
    }
}

const fn call(api: Api, operation: &'static str, input: Value) -> Call {
    Call { who: Who::Owner, api, operation, input, refused: false }
}

fn draw_refused(keys: &[&String], chance: &mut Chance) -> Call {
    let known = chance.pick(keys).map_or(UNKNOWN_KEY, |key| key.as_str());
    let arn = format!("arn:aws:kms:us-east-1:{}:key/{known}", Who::Owner.account());
    let refused = |operation, input| Call { refused: true, ..call(Api::Kms, operation, input) };
    match chance.below(7) {
        0 => refused("DescribeKey", json!({ "KeyId": UNKNOWN_KEY })),
        1 => refused("Encrypt", json!({ "KeyId": UNKNOWN_KEY, "Plaintext": "AAAA" })),
        2 => refused("ScheduleKeyDeletion", json!({ "KeyId": known, "PendingWindowInDays": 3 })),
        3 => refused("CreateAlias", json!({ "AliasName": "alias/aws/mine", "TargetKeyId": known })),
        4 => refused("MakeCoffee", json!({})),
        5 => refused("Decrypt", json!({ "CiphertextBlob": "AAAA" })),
        _ => Call { who: Who::Stranger, ..refused("DescribeKey", json!({ "KeyId": arn })) },
    }
}

fn draw_read(keys: &[&String], chance: &mut Chance) -> Call {
    let read = |operation, input| call(Api::Kms, operation, input);
    match (chance.pick(keys), chance.below(4)) {
        (Some(key), 0) => read("DescribeKey", json!({ "KeyId": key })),
        (Some(key), 1) => read("ListResourceTags", json!({ "KeyId": key })),
        (_, 2) => read("ListAliases", json!({ "Limit": 2 })),
        (Some(_) | None, _) => read("GenerateRandom", json!({ "NumberOfBytes": 16 })),
    }
}
