//! The only function that knows the order of the rooms: parse, resolve, authorise, run, answer.

use std::future::Future;
use std::pin::Pin;

use keyreeve_model::error::KmsError;

use crate::desk::Desk;
use crate::input::Input;
use crate::operation::{Operation, Proof};

/// What a request came to: the JSON body (empty where the operation answers nothing), or why not.
pub type Outcome = Result<Vec<u8>, KmsError>;

/// How often a request starts again when others change the same rows at the same moment.
const ATTEMPTS_MAX: usize = 16;

pub(crate) type Walk = for<'a> fn(&'a Desk<'a>) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Walks one request of operation `O` through its rooms.
pub(crate) fn walk<'a, O: Operation>(
    desk: &'a Desk<'a>,
) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
    Box::pin(async move {
        let mut input = Input::read(desk.row.input, desk.body).map_err(O::reworded)?;
        let request = O::parse(&mut input, desk)?;
        for _ in 0..ATTEMPTS_MAX {
            desk.notes.begin();
            let proof = O::Proof::judge(desk, O::names(&request)).await?;
            match O::run(desk, &request, proof).await {
                Err(KmsError::Conflict) => {}
                Err(error) => return Err(error),
                Ok(reply) => return to_json(&reply),
            }
        }
        Err(KmsError::Conflict)
    })
}

fn to_json(reply: &impl serde::Serialize) -> Outcome {
    let mut body = Vec::with_capacity(512);
    serde_json::to_writer(&mut body, reply).map_err(|_| KmsError::Internal)?;
    if body == b"null" {
        body.clear();
    }
    Ok(body)
}
