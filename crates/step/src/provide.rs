//! Exporting a [`Step`](crate::Step) from a component, as `wit/step.wit` has it.

pub use host::spin::handle;
pub use spin_sdk::wit_bindgen;

/// Exports a [`Step`](crate::Step) from this component: `step::provide!(Shout);`, once, at the root of the crate.
///
/// The bindings are made inside the component's own crate, because their types carry the promise to export the interface,
/// which no other component that uses this library could keep.
#[macro_export]
macro_rules! provide {
    ($step:ident) => {
        mod provided {
            $crate::wit_bindgen::generate!({
                path: "../../../wit",
                world: "provider",
                runtime_path: "step::wit_bindgen::rt",
                generate_all,
            });

            use exports::kowai::step::step as wit;

            struct Provider;

            impl wit::Guest for Provider {
                fn describe() -> wit::Descriptor {
                    let it = <super::$step as $crate::Step>::describe();
                    wit::Descriptor {
                        name: it.name,
                        description: it.description,
                        input_schema: it.input_schema.to_string(),
                        output_schema: it.output_schema.to_string(),
                        effect: match it.effect {
                            $crate::Effect::Pure => wit::Effect::Pure,
                            $crate::Effect::Read => wit::Effect::Read,
                            $crate::Effect::Write => wit::Effect::Write,
                        },
                    }
                }

                async fn run(it: wit::Context, input: String) -> Result<String, wit::Failure> {
                    let context = $crate::Context {
                        workspace: it.workspace,
                        run: it.run,
                        step: it.step,
                        attempt: it.attempt,
                        idempotency_key: it.idempotency_key,
                        deadline_ms: it.deadline_ms,
                        traceparent: it.traceparent,
                        correlation_id: it.correlation_id,
                    };
                    let work = async move { $crate::run_on_json::<super::$step>(context, &input).await };
                    let ran = $crate::handle(work).await;
                    ran.map_err(|it| wit::Failure {
                        kind: match it.kind {
                            $crate::FailureKind::Invalid => wit::FailureKind::Invalid,
                            $crate::FailureKind::Forbidden => wit::FailureKind::Forbidden,
                            $crate::FailureKind::Unavailable => wit::FailureKind::Unavailable,
                            $crate::FailureKind::Timeout => wit::FailureKind::Timeout,
                            $crate::FailureKind::Internal => wit::FailureKind::Internal,
                        },
                        code: it.code,
                        message: it.message,
                        retryable: it.retryable,
                        retry_after_ms: it.retry_after_ms,
                    })
                }
            }

            export!(Provider);
        }
    };
}
