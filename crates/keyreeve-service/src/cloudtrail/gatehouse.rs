//! The gatehouse of trails: whether the caller may do this to a trail of its own account. Only here is a proof made.

use std::marker::PhantomData;

use keyreeve_model::error::KmsError;
use keyreeve_model::trail_error::TrailFault;

use super::inventory::Trails;
use super::trail::{Trail, TrailId};
use crate::desk::Desk;
use crate::judgement::{Question, Subject};
use crate::operation::{Operation, Proof};
use crate::records::Stamped;

/// What a request of CloudTrail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TrailResource {
    /// `*`: lists, records, keys.
    Everything,
    /// These trails.
    Trails(Vec<TrailId>),
}

/// Policy allows the operation `O` on what it names.
#[derive(Debug)]
pub(crate) struct AuthorizedTrail<O> {
    operation: PhantomData<fn() -> O>,
}

impl<O> AuthorizedTrail<O> {
    /// The trails.
    pub(crate) const fn open<'a>(&self, desk: &Desk<'a>) -> &'a Trails {
        desk.service.trails()
    }

    /// A trail that shall be changed, which is done in its home Region only.
    ///
    /// # Errors
    /// TrailNotFoundException, InvalidHomeRegionException.
    pub(crate) async fn at_home(&self, desk: &Desk<'_>, id: &TrailId) -> Result<Stamped<Trail>, KmsError> {
        let found = self.open(desk).find(id).await?;
        if id.home == desk.caller.region {
            return Ok(found);
        }
        let text = format!("The request must be made in the home region {} of the trail {id}.", id.home);
        Err(TrailFault::InvalidHomeRegion.because(text).into())
    }
}

impl<O: Operation> Proof<O> for AuthorizedTrail<O> {
    type Names = TrailResource;

    async fn judge<'a>(desk: &'a Desk<'a>, resource: TrailResource) -> Result<Self, KmsError> {
        for action in desk.row.actions {
            match &resource {
                TrailResource::Everything => Question::new(desk, action, Subject::Everything).permit()?,
                TrailResource::Trails(trails) => {
                    for id in trails {
                        let arn = id.to_string();
                        desk.notes.resource(id.account, "AWS::CloudTrail::Trail", arn.clone());
                        let subject = Subject::Owned { arn: &arn, owner: id.account };
                        Question::new(desk, action, subject).permit()?;
                    }
                }
            }
        }
        Ok(Self { operation: PhantomData })
    }
}
