//! What is done with a key of three Regions while messages are lost or a Region is killed, and what must have come of it
//! in the end if it was acknowledged.

use keyreeve_model::error::WireError;
use serde_json::{Value, json};

use crate::regions_world::{EAST, HERE, WEST, World};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) replicas: &'static [&'static str],
    pub(crate) act: fn(&World, &str) -> Result<Value, WireError>,
    /// Seconds until everything is done where nothing happens.
    pub(crate) ticks: usize,
    /// What an acknowledged act came to, after healing.
    pub(crate) came_to: fn(&World, &str) -> bool,
}

fn primary_is(world: &World, id: &str, name: &str) -> bool {
    world.metadata(HERE, id)["MultiRegionConfiguration"]["PrimaryKey"]["Region"] == name
}

fn rotations(world: &World, id: &str) -> usize {
    world.ok(HERE, "ListKeyRotations", json!({"KeyId": id}))["Rotations"].as_array().unwrap().len()
}

fn rotate(world: &World, id: &str) -> Result<Value, WireError> {
    world.ask(HERE, "RotateKeyOnDemand", json!({"KeyId": id}))
}

fn promote(world: &World, id: &str, to: &str) -> Result<Value, WireError> {
    world.ask(HERE, "UpdatePrimaryRegion", json!({"KeyId": id, "PrimaryRegion": to}))
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "replicate",
        replicas: &[WEST],
        act: |world, id| world.ask(HERE, "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": EAST})),
        ticks: 3,
        came_to: |world, id| world.metadata(EAST, id)["KeyState"] == "Enabled",
    },
    Scenario {
        name: "rotate",
        replicas: &[WEST, EAST],
        act: rotate,
        ticks: 4,
        came_to: |world, id| rotations(world, id) == 1,
    },
    Scenario {
        name: "promote",
        replicas: &[WEST, EAST],
        act: |world, id| promote(world, id, WEST),
        ticks: 4,
        came_to: |world, id| primary_is(world, id, WEST),
    },
    Scenario {
        name: "rotate and promote",
        replicas: &[WEST, EAST],
        act: |world, id| rotate(world, id).and_then(|_| promote(world, id, EAST)),
        ticks: 5,
        came_to: |world, id| primary_is(world, id, EAST) && rotations(world, id) == 1,
    },
    Scenario {
        name: "delete a replica",
        replicas: &[WEST, EAST],
        act: |world, id| {
            let body = json!({"KeyId": id, "PendingWindowInDays": 7});
            let answer = world.ask(EAST, "ScheduleKeyDeletion", body);
            world.pass_millis(7 * 86_400_000);
            answer
        },
        ticks: 3,
        came_to: |world, id| {
            let replicas = &world.metadata(HERE, id)["MultiRegionConfiguration"]["ReplicaKeys"];
            replicas.as_array().unwrap().len() == 1
                && world.ask(EAST, "DescribeKey", json!({"KeyId": id})).is_err()
        },
    },
];
