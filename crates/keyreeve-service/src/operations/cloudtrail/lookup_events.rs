//! `LookupEvents`: the records of the last 90 days, newest first.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>

use std::sync::Arc;

use keyreeve_audit::Place;
use keyreeve_audit::index::lookup::{Continuation, Found, Page, Query};
use keyreeve_audit::index::{Attribute, EventAttributes};
use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_model::trail_error::TrailFault;
use serde::Serialize;
use serde_json::Value;

use super::shapes;
use crate::cloudtrail::{AuthorizedTrail, TrailResource};
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::operation::Operation;
use crate::reply::Epoch;

/// How far back records are told of.
const DAYS: i64 = 90;
const EVENTS_MAX: i64 = 50;

static ATTRIBUTE_KEY: Kind = Kind::Enum(&[
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
]);
static ATTRIBUTE_VALUE: Kind = Kind::Text { min: 1, max: 2000, pattern: None };
static ATTRIBUTE: Kind = Kind::Structure(&Structure {
    members: &[
        Member::required("AttributeKey", &ATTRIBUTE_KEY),
        Member::required("AttributeValue", &ATTRIBUTE_VALUE),
    ],
});
static ATTRIBUTES: Kind = Kind::List { element: &ATTRIBUTE, min: 0, max: usize::MAX };
static CATEGORY: Kind = Kind::Enum(&["insight"]);
static MAX_RESULTS: Kind = Kind::Integer { min: 1, max: EVENTS_MAX };

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("LookupAttributes", &ATTRIBUTES),
        Member::optional("StartTime", &shapes::DATE),
        Member::optional("EndTime", &shapes::DATE),
        Member::optional("EventCategory", &CATEGORY),
        Member::optional("MaxResults", &MAX_RESULTS),
        Member::optional("NextToken", &shapes::TEXT),
    ],
};

pub(crate) struct LookupEvents;

pub(crate) struct Request {
    query: Query,
    /// What the token of the next page is good for: this very question.
    question: String,
    /// There are none of the category that was asked for.
    insights: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    events: Vec<EventView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventView {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    resources: Vec<ResourceView>,
    cloud_trail_event: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceView {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
}

impl EventView {
    fn of(found: &Found) -> Self {
        let attributes = EventAttributes::of(&found.event);
        let text = |wanted| attributes.first(wanted).map(str::to_owned);
        let event: Value = serde_json::from_slice(&found.event).unwrap_or_default();
        let member = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let resources = event.get("resources").and_then(Value::as_array).into_iter().flatten();
        let resource = |one: &Value| ResourceView {
            resource_type: member(one, "type"),
            resource_name: member(one, "ARN"),
        };
        Self {
            event_id: text(Attribute::EventId),
            event_name: text(Attribute::EventName),
            read_only: text(Attribute::ReadOnly),
            access_key_id: text(Attribute::AccessKeyId),
            event_time: Some(Epoch(Timestamp::from_millis(found.time.as_seconds() * 1000))),
            event_source: text(Attribute::EventSource),
            username: text(Attribute::Username),
            resources: resources.map(resource).collect(),
            cloud_trail_event: String::from_utf8_lossy(&found.event).into_owned(),
        }
    }
}

fn one_attribute(input: &mut Input<'_>) -> Result<Option<(Attribute, String)>, KmsError> {
    let mut attributes = input.structures("LookupAttributes");
    if attributes.len() > 1 {
        let text = "Only one lookup attribute can be specified.";
        return Err(TrailFault::InvalidLookupAttributes.because(text).into());
    }
    let Some(mut attribute) = attributes.pop() else { return Ok(None) };
    let key = attribute.required_choice("AttributeKey", Attribute::parse)?;
    Ok(Some((key, attribute.required_text("AttributeValue")?)))
}

fn invalid_token() -> KmsError {
    TrailFault::InvalidNextToken.because("The token is not valid for these parameters.").into()
}

impl Operation for LookupEvents {
    type Request = Request;
    type Proof = AuthorizedTrail<Self>;
    type Reply = Reply;

    fn reworded(error: KmsError) -> KmsError {
        let KmsError::Violations(texts) = &error else { return error };
        let about = |member: &str| texts.iter().any(|text| text.contains(&format!(" at '{member}")));
        let because = |fault: TrailFault| fault.because(texts.join("; ")).into();
        if about("maxResults") {
            because(TrailFault::InvalidMaxResults)
        } else if about("lookupAttributes") {
            because(TrailFault::InvalidLookupAttributes)
        } else if about("eventCategory") {
            because(TrailFault::InvalidEventCategory)
        } else {
            error
        }
    }

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        let attribute = one_attribute(input)?;
        let mut time = |name| input.timestamp_millis(name).map(Timestamp::from_millis);
        let (start, end) = (time("StartTime"), time("EndTime"));
        if start.zip(end).is_some_and(|(start, end)| start > end) {
            let text = "The start time must not be after the end time.";
            return Err(TrailFault::InvalidTimeRange.because(text).into());
        }
        let (account, region) = (desk.caller.account(), desk.caller.region.clone());
        let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
        let question =
            format!("lookup/{region}/{account}/{:?}/{:?}/{attribute:?}", millis(start), millis(end));
        let before = match input.text("NextToken") {
            Some(token) => {
                let place = desk.service.keys.open_marker(&question, &token).map_err(|_| invalid_token())?;
                Some(Place(place.parse().map_err(|_| invalid_token())?))
            }
            None => None,
        };
        let oldest = desk.now.plus_days(-DAYS);
        let limit = input.integer("MaxResults").unwrap_or(EVENTS_MAX);
        let query = Query {
            account,
            region,
            attribute,
            start: Some(start.map_or(oldest, |start| start.max(oldest))),
            // Times of records are whole seconds: all of the last one.
            end: end
                .map(|end| Timestamp::from_millis(end.as_seconds().saturating_mul(1000).saturating_add(999))),
            after: before.map(Continuation),
            limit: usize::try_from(limit).unwrap_or_default(),
        };
        Ok(Request { query, question, insights: input.text("EventCategory").is_some() })
    }

    fn names(_: &Request) -> TrailResource {
        TrailResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedTrail<Self>,
    ) -> Result<Reply, KmsError> {
        let found = if request.insights { Page::default() } else { look(desk, request).await? };
        let token = |next: Continuation| desk.service.keys.marker(&request.question, &next.0.0.to_string());
        Ok(Reply {
            events: found.events.iter().map(EventView::of).collect(),
            next_token: found.next.map(token).transpose()?,
        })
    }
}

async fn look(desk: &Desk<'_>, request: &Request) -> Result<Page, KmsError> {
    let (journal, lookup) = (desk.service.audit(), Arc::clone(desk.service.lookup()));
    let (query, durable) = (request.query.clone(), journal.durable());
    let found = tokio::task::spawn_blocking(move || lookup.find(&query, durable)).await;
    found.map_err(|_| KmsError::Internal)?.map_err(|error| {
        tracing::error!(%error, "records cannot be looked up");
        KmsError::Internal
    })
}
