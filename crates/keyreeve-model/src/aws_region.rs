//! The Regions that AWS has: in `keyreeve dev` each of them can hold a replica, and nothing else can.
//! Source: `partitions.json` of botocore 1.44.5.

use crate::region::Region;

/// Names, sorted.
static AWS_REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// Whether AWS has a Region of this name.
pub fn is_aws_region(region: &Region) -> bool {
    AWS_REGIONS.binary_search(&region.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_have_the_form_of_regions() {
        assert!(AWS_REGIONS.is_sorted());
        for name in AWS_REGIONS {
            assert!(is_aws_region(&Region::parse(name).unwrap()), "{name}");
        }
        assert!(!is_aws_region(&Region::parse("us-invalid-1").unwrap()));
    }

    #[test]
    fn every_region_is_in_the_partition_that_aws_says() {
        let mut others = AWS_REGIONS.to_vec();
        others.retain(|name| Region::parse(name).unwrap().partition() != "aws");
        let mut expected = Vec::new();
        for (partition, names) in [
            ("aws-cn", &["cn-north-1", "cn-northwest-1"][..]),
            ("aws-us-gov", &["us-gov-east-1", "us-gov-west-1"]),
            ("aws-iso", &["us-iso-east-1", "us-iso-west-1"]),
            ("aws-iso-b", &["us-isob-east-1", "us-isob-west-1"]),
            ("aws-iso-e", &["eu-isoe-west-1"]),
            ("aws-iso-f", &["us-isof-east-1", "us-isof-south-1"]),
            ("aws-eusc", &["eusc-de-east-1"]),
        ] {
            for name in names {
                assert_eq!(Region::parse(name).unwrap().partition(), partition, "{name}");
                expected.push(*name);
            }
        }
        expected.sort_unstable();
        assert_eq!(others, expected);
    }
}
