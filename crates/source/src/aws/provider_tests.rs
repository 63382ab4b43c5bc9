//! Tests of credentials that need no service.

use super::*;
use crate::aws::Secret;

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn keys_of_the_options_are_used_as_they_are() {
    let spec = AwsCredentialSpec {
        access_key: Some("AK".into()),
        secret_key: Some(Secret::new("hush")),
        session_token: Some(Secret::new("once")),
        ..AwsCredentialSpec::default()
    };
    let credentials = now(AwsCredentials::of(&spec, Some("eu-west-1")));
    let keys = now(credentials.keys()).unwrap();
    assert_eq!(keys.access_key, "AK");
    assert_eq!(keys.secret_key.reveal(), "hush");
    assert_eq!(keys.session_token.unwrap().reveal(), "once");
    assert_eq!(credentials.described(), "access key `AK`");
    assert!(!format!("{credentials:?}").contains("hush"));
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    let spec = AwsCredentialSpec {
        profile: Some("no-such-profile".into()),
        ..AwsCredentialSpec::default()
    };
    let error = now(async {
        AwsCredentials::of(&spec, Some("eu-west-1"))
            .await
            .keys()
            .await
    })
    .unwrap_err()
    .to_diagnostic();
    assert_eq!(error.condition, &condition::CREDENTIAL_NOT_AVAILABLE);
    assert!(
        error.message.contains("profile `no-such-profile`"),
        "{error}"
    );
    assert!(error.facts[0].starts_with("reason: "));
}
