//! What optimizers see of a program: its predictors with their instructions and demonstrations.

use predict::python::eq::equals;
use predict::{Example, Field, Module, Predict, Signature, Value, named_predictors, named_predictors_mut};

use crate::ask::shown;
use crate::optimizer::OptimizeError;

/// A program that can be copied and changed: any module, also a boxed one.
pub trait Program: Module + Clone {}

impl<M: Module + Clone> Program for M {}

/// The predictors with their names, in the program's order.
pub(crate) fn predictors<P: Program>(program: &P) -> Vec<(String, &Predict)> {
    named_predictors(program)
}

/// The predictors, to change.
pub(crate) fn predictors_mut<P: Program>(program: &mut P) -> Vec<&mut Predict> {
    named_predictors_mut(program).into_iter().map(|(_, predictor)| predictor).collect()
}

/// A copy without demonstrations and models of its own; instructions stay.
pub(crate) fn reset_copy<P: Program>(program: &P) -> P {
    let mut copy = program.clone();
    predictors_mut(&mut copy).into_iter().for_each(Predict::reset);
    copy
}

/// The instructions of each predictor.
pub(crate) fn instructions<P: Program>(program: &P) -> Vec<String> {
    predictors(program).into_iter().map(|(_, predictor)| predictor.signature().instructions()).collect()
}

/// Changes the instructions of one predictor.
pub(crate) fn set_instructions<P: Program>(program: &mut P, index: usize, text: &str) {
    if let Some(predictor) = predictors_mut(program).into_iter().nth(index) {
        predictor.set_instructions(text);
    }
}

/// Changes the instructions of all predictors.
pub(crate) fn set_all_instructions<P: Program>(program: &mut P, texts: &[String]) {
    for (predictor, text) in predictors_mut(program).into_iter().zip(texts) {
        predictor.set_instructions(text.as_str());
    }
}

/// Fails unless both programs have the same predictors: names and fields, not instructions or demonstrations.
pub(crate) fn check_same_structure<P: Program>(student: &P, teacher: &P) -> Result<(), OptimizeError> {
    let (student, teacher) = (predictors(student), predictors(teacher));
    if student.len() != teacher.len() {
        let counts = format!("one has {} predictors, the other {}", student.len(), teacher.len());
        return Err(OptimizeError::Mismatch(counts));
    }
    for ((name, ours), (theirs_name, theirs)) in student.iter().zip(&teacher) {
        let fields = |signature: &Signature| -> Vec<(String, bool, String)> {
            let field = |field: &Field| (field.name.clone(), field.is_input(), field.ty.name());
            signature.fields().iter().map(field).collect()
        };
        if name != theirs_name || fields(ours.signature()) != fields(theirs.signature()) {
            return Err(OptimizeError::Mismatch(format!("`{name}` and `{theirs_name}` have different fields")));
        }
    }
    Ok(())
}

/// Whether two examples hold the same values by Python's `==`, in whatever order.
pub(crate) fn same_example(left: &Example, right: &Example) -> bool {
    left.values.len() == right.values.len()
        && left.values.iter().all(|(key, value)| right.values.get(key).is_some_and(|other| equals(value, other)))
}

/// Everything that is learned or decides what is learned, as text to compare and to hash.
pub(crate) fn state_text<P: Program>(program: &P) -> String {
    let predictor = |(name, predictor): (String, &Predict)| {
        let fields: Vec<_> =
            predictor.signature().fields().iter().map(|f| (&f.name, f.is_input(), f.ty.name(), &f.desc)).collect();
        let demos: Vec<_> = predictor.full_demos().into_iter().map(|demo| Value::Map(demo.values)).collect();
        let instructions = predictor.full_signature().instructions();
        serde_json::json!([name, instructions, fields, demos, predictor.config]).to_string()
    };
    predictors(program).into_iter().map(predictor).collect::<Vec<_>>().join("\n")
}

/// What the program looks like to a model that helps to improve it. There is no source code to show, as DSPy does; the
/// predictors with their fields and instructions say what the program does.
pub(crate) fn describe<P: Program>(program: &P) -> String {
    let predictor = |(name, predictor): (String, &Predict)| {
        let task = predictor.signature().instructions();
        format!("module {name}: {}\n    objective: {}", outline(predictor.signature()), task.replace('\n', "\n    "))
    };
    predictors(program).into_iter().map(predictor).collect::<Vec<_>>().join("\n\n")
}

/// A signature on one line: `question: str -> answer: int`.
pub(crate) fn outline(signature: &Signature) -> String {
    let fields = |inputs: bool| {
        let fields = signature.fields().iter().filter(|field| field.is_input() == inputs);
        fields.map(|field| format!("{}: {}", field.name, field.ty.name())).collect::<Vec<_>>().join(", ")
    };
    format!("{} -> {}", fields(true), fields(false))
}

/// The values of an example that a signature knows, one to a line.
pub(crate) fn example_text(signature: &Signature, example: &Example) -> String {
    let fields = signature.fields().iter().filter_map(|field| example.get(&field.name).map(|value| (field, value)));
    fields.map(|(field, value)| format!("{}: {}", field.name, shown(value))).collect::<Vec<_>>().join("\n")
}
