//! Who asks, without a wire.

use super::*;
use crate::transport::v3::carrier::Authorization;
use crate::transport::v3::messages::{AuthenticateResponse, StatusRequest};
use futures_util::future::join_all;
use http::HeaderValue;
use std::any::Any;
use std::sync::Mutex;
use tokio::task::yield_now;

/// An etcd that takes one token at a time.
#[derive(Default)]
struct Script {
    valid: Mutex<String>,
    password: &'static str,
    refusal: Option<Refusal>,
    authentications: Mutex<u32>,
    calls: Mutex<u32>,
}

/// A watch of which nothing comes.
struct Silent;

impl Watched for Silent {
    fn registered(&self) -> i64 {
        7
    }

    async fn next(&mut self) -> Result<Told, Refusal> {
        std::future::pending().await
    }
}

fn status(code: i32, message: &str) -> Refusal {
    Status { code, message: message.into() }.into()
}

impl Script {
    fn authenticate(&self, request: &AuthenticateRequest) -> Result<String, Refusal> {
        *self.authentications.lock().unwrap() += 1;
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        if request.password != self.password {
            return Err(status(3, "etcdserver: authentication failed, invalid user ID or password"));
        }
        let token = format!("token.{}", self.authentications.lock().unwrap());
        self.valid.lock().unwrap().clone_from(&token);
        Ok(token)
    }

    fn check(&self, authorization: Authorization<'_>) -> Result<(), Refusal> {
        *self.calls.lock().unwrap() += 1;
        match authorization {
            None if self.valid.lock().unwrap().is_empty() => Ok(()),
            None => Err(status(3, "etcdserver: user name is empty")),
            Some(token) if *token == **self.valid.lock().unwrap() => Ok(()),
            Some(_) => Err(status(16, "etcdserver: invalid auth token")),
        }
    }

    fn expire(&self) {
        *self.valid.lock().unwrap() = "another".into();
    }
}

impl Carrier for Arc<Script> {
    type Watched = Silent;

    async fn call<Q: Call>(
        &self,
        _: usize,
        request: &Q,
        authorization: Authorization<'_>,
        _: CallOptions,
    ) -> Result<Q::Answer, Refusal> {
        yield_now().await;
        let mut answer = Q::Answer::default();
        if let Some(request) = (request as &dyn Any).downcast_ref::<AuthenticateRequest>() {
            let token = self.authenticate(request)?;
            if let Some(answer) = (&mut answer as &mut dyn Any).downcast_mut::<AuthenticateResponse>() {
                answer.token = token;
            }
        } else {
            self.check(authorization)?;
        }
        Ok(answer)
    }

    async fn watch(
        &self,
        _: usize,
        _: WatchCreateRequest,
        authorization: Authorization<'_>,
        _: CallOptions,
        _: Duration,
    ) -> Result<Silent, Refusal> {
        self.check(authorization).map(|()| Silent)
    }
}

fn session(script: &Arc<Script>, credentials: Option<Credentials>) -> Session<Arc<Script>> {
    Session::new(Arc::clone(script), vec![credentials.clone(), credentials])
}

fn user(password: &str) -> Option<Credentials> {
    Some(Credentials::User { name: "root".into(), password: password.into() })
}

async fn ask(session: &Session<Arc<Script>>, member: usize) -> Result<(), SessionError> {
    session.call(member, &StatusRequest {}, CallOptions::default()).await.map(drop)
}

fn script(password: &'static str) -> Arc<Script> {
    Arc::new(Script { password, valid: Mutex::new("none yet".into()), ..Script::default() })
}

#[tokio::test]
async fn one_token_is_fetched_for_all_who_wait_at_all_members() {
    let script = script("p");
    let session = session(&script, user("p"));
    let results = join_all((0..20).map(|index| ask(&session, index % 2))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(*script.authentications.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once_and_the_calls_go_out_again() {
    let script = script("p");
    let session = session(&script, user("p"));
    ask(&session, 0).await.unwrap();
    script.expire();
    let results = join_all((0..20).map(|_| ask(&session, 0))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(*script.authentications.lock().unwrap(), 2);
    script.expire();
    let watch = session.watch(0, WatchCreateRequest::default(), CallOptions::default(), Duration::MAX).await;
    assert!(watch.is_ok_and(|watch| watch.registered() == 7));
    assert_eq!(*script.authentications.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_token_that_was_given_is_not_renewed() {
    let script = script("p");
    let given = Credentials::Token(HeaderValue::from_static("theirs"));
    let session = session(&script, Some(given));
    assert!(matches!(ask(&session, 0).await, Err(SessionError::Denied(status)) if status.code == 16));
    assert_eq!((*script.authentications.lock().unwrap(), *script.calls.lock().unwrap()), (0, 1));
}

#[tokio::test]
async fn a_wrong_password_is_a_denial_and_no_call_leaves() {
    let script = script("p");
    let session = session(&script, user("wrong"));
    assert!(matches!(ask(&session, 0).await, Err(SessionError::Denied(_))));
    assert_eq!(*script.calls.lock().unwrap(), 0);
}

#[tokio::test]
async fn where_nobody_has_to_prove_who_he_is_no_token_is_needed_until_it_is() {
    let off = status(9, "etcdserver: authentication is not enabled");
    let script = Arc::new(Script { refusal: Some(off), ..Script::default() });
    let session = session(&script, user("p"));
    ask(&session, 0).await.unwrap();
    ask(&session, 0).await.unwrap();
    assert_eq!(*script.authentications.lock().unwrap(), 1);
    script.expire();
    assert!(matches!(ask(&session, 0).await, Err(SessionError::Denied(_))));
}

#[tokio::test]
async fn a_member_that_cannot_authenticate_has_not_got_the_call() {
    let down = Status { code: 14, message: "etcdserver: request timed out".into() };
    let script = Arc::new(Script { refusal: Some(down.into()), ..Script::default() });
    let session = session(&script, user("p"));
    assert!(matches!(ask(&session, 0).await, Err(SessionError::Failed(failed)) if !failed.sent));
}

#[tokio::test]
async fn rights_that_are_missing_and_requests_that_no_member_takes_are_told_apart() {
    let refused = |code, text: &str| SessionError::from(status(code, text));
    assert!(matches!(refused(7, "etcdserver: permission denied"), SessionError::Denied(_)));
    assert!(matches!(refused(3, "etcdserver: request is too large"), SessionError::Refused(_)));
    assert!(matches!(refused(14, "etcdserver: no leader"), SessionError::Failed(_)));
}

#[test]
fn nothing_shows_a_password_or_a_token() {
    let identity = Identity::new(user("geheim").unwrap());
    let proof = identity.replace(Some("geheim")).unwrap();
    let shown = format!("{:?} {proof:?}", identity.credentials);
    assert!(!shown.contains("geheim"), "{shown}");
}
