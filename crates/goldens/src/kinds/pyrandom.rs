//! Unit records `pyrandom`: a seeded generator and what a sequence of calls on it returns.

use predict::Value;
use predict::python::random::PythonRandom;

use crate::Verdict;
use crate::compare::same;
use crate::decode::{list, member, text};

/// Makes the calls in order.
pub(crate) fn check(record: &Value) -> Verdict {
    let seed = member(record, "seed")?.as_i64().ok_or("the seed is no integer of 64 bits")?;
    let mut random = PythonRandom::new(seed);
    for (position, operation) in list(record, "ops")?.iter().enumerate() {
        let found = call(&mut random, operation)?;
        same(&format!("operation {position}, {}", text(operation, "op")?), member(operation, "result")?, &found)?;
    }
    Ok(())
}

fn call(random: &mut PythonRandom, operation: &Value) -> Result<Value, String> {
    let arguments = list(operation, "args")?;
    let integer = |index: usize| arguments.get(index).and_then(Value::as_i64).unwrap_or_default();
    let count = |index: usize| usize::try_from(integer(index)).unwrap_or_default();
    let number = |index: usize| arguments.get(index).and_then(Value::as_f64).unwrap_or_default();
    match text(operation, "op")? {
        "getrandbits" => Ok(random.getrandbits(count(0) as u32).into()),
        "random" => Ok(random.random().into()),
        "randint" => Ok(random.randint(integer(0), integer(1)).into()),
        "randrange" => Ok(random.below(count(0) as u64).into()),
        "uniform" => Ok(random.uniform(number(0), number(1)).into()),
        "choice" => Ok(random.choice(count(0)).into()),
        "sample" => Ok(random.sample(count(0), count(1)).into()),
        "shuffle" => {
            let mut items: Vec<usize> = (0..count(0)).collect();
            random.shuffle(&mut items);
            Ok(items.into())
        }
        "choices" => {
            let weights = arguments.first().and_then(Value::as_list).unwrap_or_default();
            let weights: Vec<f64> = weights.iter().filter_map(Value::as_f64).collect();
            Ok(random.choices(&weights, count(1)).into())
        }
        other => Err(format!("there is no operation `{other}`")),
    }
}
