//! Optimizers for programs of language model calls: give them a program, examples and a metric, and they find the
//! instructions and demonstrations with which the program does best.
//!
//! The programs are those of the crate [`predict`], which are DSPy's in Rust; the optimizers are DSPy's as well, and
//! what they choose is what DSPy 3.4.1 chooses, bit for bit where that is possible at all ([`LabeledFewShot`],
//! [`BootstrapFewShot`], [`BootstrapFewShotWithRandomSearch`]). What DSPy's users miss is here: a study resumes after a
//! crash without paying for anything twice, keeps to a budget, tells what it does, keeps everything it tried, and never
//! stops other work of its process.
//!
//! # A metric
//!
//! A metric says how good a prediction is for an example. A closure makes one:
//!
//! ```
//! use optimize::{Score, metric};
//! use predict::{Example, Prediction};
//!
//! let polite = metric("polite", |_: &Example, prediction: &Prediction| {
//!     let answer = prediction.text("answer").unwrap_or_default();
//!     Score::from(answer.ends_with("please.")).because("the answer should end with `please.`")
//! });
//! assert_eq!(polite.name(), "polite");
//! ```
//!
//! The reason is optional, but optimizers that reflect ([`Gepa`], [`Simba`]) learn more from a reason than from a
//! number. Ready metrics are in [`metric::answer`] (exact match, F1, passages) and [`metric::judge`] (a model judges).
//!
//! # A study
//!
//! A [`Study`] is what a run needs from outside: the model (and, if they differ, those that teach, propose and judge),
//! a journal, a budget, how many examples may run at once. Nothing is global. Here an [`Evaluate`] measures a program:
//!
//! ```
//! use std::sync::Arc;
//!
//! use optimize::evaluate::table::Table;
//! use optimize::metric::answer::AnswerExactMatch;
//! use optimize::{Evaluate, Study};
//! use predict::{Example, Predict, ScriptedLm, map};
//!
//! # futures::executor::block_on(async {
//! let devset = [("Norway", "Oslo"), ("Finland", "Helsinki")]
//!     .map(|(country, city)| Example::new(map! { "country" => country, "answer" => city }).with_inputs(["country"]));
//! let program = Predict::new("country -> answer")?;
//!
//! let lm = ScriptedLm::texts(["[[ ## answer ## ]]\nOslo", "[[ ## answer ## ]]\nTurku"]);
//! let study = Study::on(Arc::new(lm)).open().await?;
//! let evaluation = Evaluate::new(&devset, &AnswerExactMatch::default()).run(&program, &study).await?;
//! assert_eq!(evaluation.score, 50.0);
//!
//! let table = Table::new(&devset, &evaluation, "exact_match");
//! assert_eq!(table.to_string(), "\
//! country  example_answer  pred_answer  exact_match  failure
//! Norway   Oslo            Oslo         1
//! Finland  Helsinki        Turku        0
//! ");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # An optimizer
//!
//! All optimizers have one face, [`Optimizer::compile`]: a student and a trainset go in; the best program comes out,
//! with its score and with every [`Candidate`] that was tried, its scores and traces. The student is not changed.
//!
//! ```
//! use std::sync::Arc;
//!
//! use optimize::metric::answer::AnswerExactMatch;
//! use optimize::{BootstrapFewShot, Extras, Optimizer, Study};
//! use predict::{ChainOfThought, Example, ScriptedLm, map, named_predictors};
//!
//! # futures::executor::block_on(async {
//! let trainset = [("2+3", "5"), ("4+4", "8")].map(|(question, answer)| {
//!     Example::new(map! { "question" => question, "answer" => answer }).with_inputs(["question"])
//! });
//! let student = ChainOfThought::new("question -> answer")?;
//!
//! let lm = ScriptedLm::texts([
//!     "[[ ## reasoning ## ]]\nThree more than two.\n\n[[ ## answer ## ]]\n5",
//!     "[[ ## reasoning ## ]]\nFour and four.\n\n[[ ## answer ## ]]\n9",
//! ]);
//! let study = Study::on(Arc::new(lm)).open().await?;
//! let optimizer = BootstrapFewShot::new(Arc::new(AnswerExactMatch::default()));
//! let outcome = optimizer.compile(&student, &trainset, Extras::default(), &study).await?;
//!
//! // The run that was right demonstrates its reasoning; the example that went wrong is shown with its label only.
//! let demos = &named_predictors(&outcome.program)[0].1.demos;
//! assert_eq!(demos[0].get("reasoning").and_then(|text| text.as_str()), Some("Three more than two."));
//! assert_eq!(demos[1].get("answer").and_then(|text| text.as_str()), Some("8"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! | optimizer | changes | by |
//! | --- | --- | --- |
//! | [`LabeledFewShot`] | demonstrations | drawing from the trainset |
//! | [`BootstrapFewShot`] | demonstrations | running a teacher and keeping what succeeded |
//! | [`BootstrapFewShotWithRandomSearch`] | demonstrations | trying several such sets |
//! | [`KnnFewShot`] | demonstrations | bootstrapping on the nearest examples, at every call |
//! | [`Copro`] | instructions | proposals that know how earlier ones scored |
//! | [`MiproV2`] | both | grounded proposals and a Bayesian search over combinations |
//! | [`Simba`] | both | contrasting good and bad runs of the same examples |
//! | [`Gepa`] | instructions | reflection on feedback, and a Pareto front |
//! | [`InferRules`] | both | bootstrapping, then rules read off the examples |
//! | [`Ensemble`] | nothing | letting several programs vote |
//!
//! # Crashes, budgets and progress
//!
//! With a [`Journal`] a study can be cut off at any point. Opened again with the same journal and given the same tasks,
//! it goes on where it stopped: what was answered is not asked again, and the result is the one that an uninterrupted
//! run has. Only a call whose answer had not arrived is made again.
//!
//! ```
//! use std::sync::Arc;
//!
//! use futures::StreamExt as _;
//! use optimize::metric::answer::AnswerExactMatch;
//! use optimize::{Budget, Evaluate, Event, Journal, MemoryJournal, Study};
//! use predict::{Example, Predict, ScriptedLm, map};
//!
//! # futures::executor::block_on(async {
//! let devset = ["1", "2", "3"]
//!     .map(|number| Example::new(map! { "question" => number, "answer" => number }).with_inputs(["question"]));
//! let program = Predict::new("question -> answer")?;
//! let evaluate = Evaluate::new(&devset, &AnswerExactMatch { fraction: 1.0 });
//! let journal = Arc::new(MemoryJournal::default());
//!
//! // The first attempt may make two calls only.
//! let lm = Arc::new(ScriptedLm::texts(["[[ ## answer ## ]]\n1", "[[ ## answer ## ]]\n2"]));
//! let budget = Budget { calls: Some(2), ..Budget::default() };
//! let study = Study::on(lm).journal(Arc::clone(&journal) as Arc<dyn Journal>).budget(budget).open().await?;
//! assert!(evaluate.run(&program, &study).await.is_err());
//!
//! // The second one pays for what is missing, and tells what it does.
//! let lm = Arc::new(ScriptedLm::texts(["[[ ## answer ## ]]\n3"]));
//! let mut builder = Study::on(lm).journal(journal);
//! let events = builder.events();
//! let study = builder.open().await?;
//! assert_eq!(evaluate.run(&program, &study).await?.score, 100.0);
//! assert_eq!((study.spend().calls, study.spend().paid()), (3, 1));
//!
//! drop(study);
//! let scored = events.filter(|event| std::future::ready(matches!(event, Event::Scored { .. }))).count().await;
//! assert_eq!(scored, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # What is deterministic
//!
//! Every choice comes from a seed in the optimizer's settings, drawn with Python's generator. The same student, data,
//! settings and answers of the models so give the same outcome, however many examples run at once. (A budget of tokens
//! or money is the exception: which calls were under way when it ended is a matter of time.)
//!
//! # What differs from DSPy
//!
//! * `compile` gives an [`Outcome`]: the program, its score and all candidates, instead of a program with attributes
//!   stuck on it.
//! * One predictor that runs several times for an example (an agent's loop) gets its demonstration by a coin that
//!   depends on the demonstrations' content; DSPy's depends on how Python pickles them.
//! * [`Copro`] judges no combination of instructions twice; [`MiproV2`] and [`Simba`] judge the student before anything
//!   else, so that a budget that ends early always leaves a result.
//! * A proposal that makes every run fail is a bad proposal. DSPy's COPRO ends with an error when ten examples fail.
//! * Proposers see the modules of a program with their fields and instructions, as there is no Python source to show.
//! * The instructions for proposers, reflection and judges are this crate's own; the fields they fill in are DSPy's.
//!
//! # What this crate does not know
//!
//! HTTP, SQL, files, time. A journal that survives the process is its owner's to write, in a few lines over
//! [`journal::line_of_entry`] and [`journal::entries_of_lines`]; so is the model behind [`predict::Lm`].

pub mod budget;
pub mod candidate;
pub mod evaluate;
pub mod event;
pub mod gepa;
pub mod journal;
pub mod metric;
pub mod mipro;
pub mod optimizer;
pub mod rollout;
pub mod study;

mod ask;
mod bootstrap;
mod copro;
mod ensemble;
mod infer_rules;
mod knn;
mod labeled;
mod ledger;
mod program;
mod random_search;
mod score;
mod simba;

pub use bootstrap::BootstrapFewShot;
pub use budget::{Budget, Limit, Spend};
pub use candidate::{Candidate, Outcome, Pool};
pub use copro::Copro;
pub use ensemble::{Ensemble, Ensembled, Reduce};
pub use evaluate::{Evaluate, Evaluation};
pub use event::Event;
pub use gepa::Gepa;
pub use infer_rules::InferRules;
pub use journal::{Entry, Journal, JournalError, MemoryJournal};
pub use knn::{KnnFewShot, KnnProgram};
pub use labeled::LabeledFewShot;
pub use metric::{Case, Metric, MetricError, metric};
pub use mipro::MiproV2;
pub use optimizer::{Extras, OptimizeError, Optimizer, Task, Teacher, Work};
pub use program::Program;
pub use random_search::BootstrapFewShotWithRandomSearch;
pub use rollout::{Failure, Rollout, TraceStep};
pub use score::Score;
pub use simba::Simba;
pub use study::{Part, Scope, Study, StudyBuilder};
