//! Draws a grant that often covers the request, or fails to by one pair, one letter or one operation.

use std::collections::BTreeMap;

use super::Draw;
use crate::policy::case::{Grant, Kind, TargetKind};
use crate::policy::vocabulary as words;

impl Draw {
    pub(super) fn grant(&mut self) {
        if self.case.resource.kind != TargetKind::Key
            || self.case.caller.kind == Kind::Service
            || !self.flip(30)
        {
            return;
        }
        let grantee = loop {
            let named = self.principal();
            if named.len() > 12 {
                break named;
            }
        };
        let very = self.case.operation().to_owned();
        let mut operations = vec![self.one(&["Encrypt", "Decrypt", "DescribeKey", "GenerateDataKey"])];
        if self.flip(70) && very != "PutKeyPolicy" {
            operations.push(very);
        }
        let requested = words::WITH_CONTEXT
            .contains(&self.case.action.as_str())
            .then(|| self.pairs(&["AppName", "Stage"], 60));
        let (mut equals, mut subset) = (None, None);
        let constraint = self.constraint(requested.as_ref());
        match self.chance.below(3) {
            0 => equals = constraint,
            1 => subset = constraint,
            _ => {}
        }
        self.case.grant = Some(Grant { grantee, operations, equals, subset, requested });
    }

    fn pairs(&mut self, keys: &[&str], each: usize) -> BTreeMap<String, String> {
        let chosen: Vec<&&str> = keys.iter().filter(|_| self.chance.percent(each)).collect();
        let value = |draw: &mut Self| draw.one(&["red", "Red", "blue"]);
        chosen.into_iter().map(|key| ((*key).to_owned(), value(self))).collect()
    }

    /// What the request says, with its key names in another case, one pair less or another value; or something else.
    fn constraint(
        &mut self,
        requested: Option<&BTreeMap<String, String>>,
    ) -> Option<BTreeMap<String, String>> {
        let mut pairs = requested.cloned().unwrap_or_default();
        if self.flip(30) {
            pairs = pairs.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
        }
        match self.chance.below(5) {
            0 => drop(pairs.pop_first()),
            1 => pairs.extend(self.pairs(&["Extra"], 100)),
            2 => pairs.values_mut().for_each(|value| *value = value.to_uppercase()),
            _ => {}
        }
        (!pairs.is_empty()).then_some(pairs)
    }
}
