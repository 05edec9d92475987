//! Where the value of a condition key comes from: names only.

/// Where the value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A member of the request.
    Member {
        /// Action (empty for every other) and member.
        names: &'static [(&'static str, &'static str)],
        /// What AWS takes when the member is absent.
        default: Option<&'static str>,
    },
    /// The value of one pair of the encryption context that belongs to the action.
    EncryptionContext,
    /// The names of that encryption context.
    EncryptionContextKeys,
    /// The value of one tag in the request.
    RequestTag,
    /// The keys of the tags in the request.
    TagKeys,
    /// The key that the request is about; in CreateKey, the one that is asked for.
    Key(KeyFact),
    /// Who asks.
    Caller(CallerFact),
    /// How the request came.
    Connection(ConnectionFact),
    /// When.
    Clock(ClockFact),
    /// What a registered service says about the request that it forwards.
    Forwarding(ForwardingFact),
    /// The grant that is asked for, or that is to be listed or revoked.
    Grant(GrantFact),
    /// Something else about the request.
    Request(RequestFact),
    /// What the caller tells when it assumes a role.
    Trust(TrustFact),
    /// Cannot be known here, and why: always absent.
    Never(&'static str),
}

/// Of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the condition keys of these names say it")]
pub enum KeyFact {
    Spec,
    Usage,
    Origin,
    MultiRegion,
    MultiRegionKeyType,
    Aliases,
    Tag,
    /// The owner's account.
    Account,
    /// Whole days since the key was last used (or made).
    DaysWithoutUsage,
}

/// Of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the condition keys of these names say it")]
pub enum CallerFact {
    PrincipalArn,
    PrincipalAccount,
    PrincipalType,
    UserId,
    UserName,
    Tag,
    OrgId,
    IsAwsService,
    ServiceName,
    ServiceNames,
    /// `kms:CallerAccount`.
    Account,
    TokenIssueTime,
    MfaPresent,
    SourceIdentity,
    FederatedProvider,
}

/// Of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the condition keys of these names say it")]
pub enum ConnectionFact {
    SourceIp,
    SecureTransport,
    UserAgent,
    Referer,
}

/// Of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockFact {
    /// ISO 8601.
    CurrentTime,
    /// Seconds since the epoch.
    EpochTime,
}

/// Of a forwarded request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the condition keys of these names say it")]
pub enum ForwardingFact {
    ViaService,
    CalledVia,
    CalledViaFirst,
    CalledViaLast,
    ViaAwsService,
    SourceArn,
    SourceAccount,
}

/// Of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the condition keys of these names say it")]
pub enum GrantFact {
    ConstraintType,
    ConstraintSourceArn,
    IsForAwsResource,
    Operations,
    GranteePrincipal,
    RetiringPrincipal,
    GranteeServicePrincipal,
    RetiringServicePrincipal,
}

/// Of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFact {
    /// The alias that stands in the request, in its name form.
    Alias,
    /// The Region whose endpoint was called.
    Region,
    /// Whether both keys of a ReEncrypt are one.
    ReEncryptOnSameKey,
    /// Image digest of the recipient's attestation document, or the PCR whose number is the part.
    Attestation,
    /// The NitroTPM PCR whose number is the part.
    NitroTpmAttestation,
}

/// Of a request for a role's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the condition keys of these names say it")]
pub enum TrustFact {
    ExternalId,
    RoleSessionName,
    SourceIdentity,
    TransitiveTagKeys,
    DurationSeconds,
    /// The provider's claim of the part's name.
    Claim,
}
