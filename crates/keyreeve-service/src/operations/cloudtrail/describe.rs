//! Trails as they are: DescribeTrails, GetTrail, ListTrails, GetEventSelectors.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::trail_error::TrailFault;
use serde::Serialize;

use super::shapes;
use super::trail::{TrailReply, about, named};
use crate::cloudtrail::{AuthorizedTrail, Trail, TrailId, TrailResource};
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;

/// A trail in full.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrailView {
    #[serde(flatten)]
    trail: TrailReply,
    home_region: String,
    has_custom_event_selectors: bool,
    has_insight_selectors: bool,
}

impl TrailView {
    fn of(trail: &Trail) -> Self {
        Self {
            trail: TrailReply::of(trail),
            home_region: trail.id.home.to_string(),
            has_custom_event_selectors: false,
            has_insight_selectors: false,
        }
    }
}

pub(crate) static DESCRIBE: Structure = Structure {
    members: &[
        Member::optional("trailNameList", &shapes::TEXTS),
        Member::optional("includeShadowTrails", &shapes::BOOLEAN),
    ],
};

pub(crate) struct DescribeTrails;

pub(crate) struct DescribeRequest {
    /// None means all.
    trails: Vec<TrailId>,
    /// Whether trails of other Regions that deliver this one too are told of.
    shadows: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeReply {
    trail_list: Vec<TrailView>,
}

impl Operation for DescribeTrails {
    type Request = DescribeRequest;
    type Proof = AuthorizedTrail<Self>;
    type Reply = DescribeReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<DescribeRequest, KmsError> {
        let caller = desk.caller;
        let names = input.texts("trailNameList");
        let trails = names.iter().map(|text| TrailId::of(text, caller.account(), &caller.region));
        Ok(DescribeRequest {
            trails: trails.collect::<Result<_, _>>()?,
            shadows: input.optional_flag("includeShadowTrails").unwrap_or(true),
        })
    }

    fn names(_: &DescribeRequest) -> TrailResource {
        TrailResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a DescribeRequest,
        proof: AuthorizedTrail<Self>,
    ) -> Result<DescribeReply, KmsError> {
        let here = &desk.caller.region;
        let mut trails = proof.open(desk).of_account(desk.caller.account()).await?;
        trails.retain(|trail| {
            let seen = trail.id.home == *here || (request.shadows && trail.multi_region);
            // By a bare name a shadow of another Region is meant too.
            let named = |id: &TrailId| *id == trail.id || (id.home == *here && id.name == trail.id.name);
            seen && (request.trails.is_empty() || request.trails.iter().any(named))
        });
        Ok(DescribeReply { trail_list: trails.iter().map(TrailView::of).collect() })
    }
}

pub(crate) struct GetTrail;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetReply {
    trail: TrailView,
}

impl Operation for GetTrail {
    type Request = TrailId;
    type Proof = AuthorizedTrail<Self>;
    type Reply = GetReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<TrailId, KmsError> {
        named(input, desk)
    }

    fn names(id: &TrailId) -> TrailResource {
        about(id)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        id: &'a TrailId,
        proof: AuthorizedTrail<Self>,
    ) -> Result<GetReply, KmsError> {
        let found = proof.open(desk).find(id).await?;
        Ok(GetReply { trail: TrailView::of(&found.value) })
    }
}

pub(crate) static LIST: Structure = Structure { members: &[Member::optional("NextToken", &shapes::TEXT)] };

pub(crate) struct ListTrails;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    trails: Vec<TrailInfo>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrailInfo {
    #[serde(rename = "TrailARN")]
    arn: String,
    name: String,
    home_region: String,
}

impl Operation for ListTrails {
    type Request = ();
    type Proof = AuthorizedTrail<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        // One page holds all of them: no token was ever given out.
        match input.text("NextToken") {
            Some(_) => Err(TrailFault::InvalidToken.because("The token is not valid.").into()),
            None => Ok(()),
        }
    }

    fn names((): &()) -> TrailResource {
        TrailResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        (): &'a (),
        proof: AuthorizedTrail<Self>,
    ) -> Result<ListReply, KmsError> {
        let trails = proof.open(desk).of_account(desk.caller.account()).await?;
        let info = |trail: Trail| TrailInfo {
            arn: trail.id.to_string(),
            home_region: trail.id.home.to_string(),
            name: trail.id.name,
        };
        Ok(ListReply { trails: trails.into_iter().map(info).collect() })
    }
}

pub(crate) static SELECTORS: Structure =
    Structure { members: &[Member::required("TrailName", &shapes::TEXT)] };

/// What a trail delivers: all management events, as nothing else is offered.
pub(crate) struct GetEventSelectors;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SelectorsReply {
    #[serde(rename = "TrailARN")]
    arn: String,
    event_selectors: [Selector; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Selector {
    read_write_type: &'static str,
    include_management_events: bool,
    data_resources: [(); 0],
    exclude_management_event_sources: [(); 0],
}

impl Operation for GetEventSelectors {
    type Request = TrailId;
    type Proof = AuthorizedTrail<Self>;
    type Reply = SelectorsReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<TrailId, KmsError> {
        TrailId::of(&input.required_text("TrailName")?, desk.caller.account(), &desk.caller.region)
    }

    fn names(id: &TrailId) -> TrailResource {
        about(id)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        id: &'a TrailId,
        proof: AuthorizedTrail<Self>,
    ) -> Result<SelectorsReply, KmsError> {
        let found = proof.open(desk).find(id).await?;
        let selector = Selector {
            read_write_type: "All",
            include_management_events: true,
            data_resources: [],
            exclude_management_event_sources: [],
        };
        Ok(SelectorsReply { arn: found.value.id.to_string(), event_selectors: [selector] })
    }
}
