//! The results of an evaluation as a table: one row for each example, for people and for spreadsheets.

use std::fmt;

use indexmap::IndexSet;
use predict::Example;

use super::Evaluation;
use crate::ask::shown;

/// The longest text of a cell in [`Table`]'s `Display`, in characters.
const WIDEST: usize = 40;

/// Rows of text under column names: the example's values, the prediction's, the score, and what went wrong.
///
/// A name that both example and prediction have becomes `example_NAME` and `pred_NAME`, as in DSPy.
///
/// ```
/// use optimize::evaluate::table::Table;
/// use optimize::{Evaluation, Rollout, Score};
/// use predict::{Example, map};
///
/// let devset = [Example::new(map! { "question" => "2+2?", "answer" => "4" }).with_inputs(["question"])];
/// let rollout =
///     Rollout { prediction: Some(map! { "answer" => "5" }), trace: vec![], score: Score::from(false), failure: None };
/// let table = Table::new(&devset, &Evaluation::of(vec![rollout]), "exact_match");
/// assert_eq!(table.to_csv(), "question,example_answer,pred_answer,exact_match,failure\r\n2+2?,4,5,0,\r\n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// One cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table of an evaluation on `devset` with the metric of this name.
    #[must_use]
    pub fn new(devset: &[Example], evaluation: &Evaluation, metric: &str) -> Self {
        let labels: IndexSet<&String> = devset.iter().flat_map(|example| example.values.keys()).collect();
        let predictions = evaluation.rollouts.iter().filter_map(|rollout| rollout.prediction.as_ref());
        let outputs: IndexSet<&String> = predictions.flat_map(|prediction| prediction.keys()).collect();
        let column = |name: &String, others: &IndexSet<&String>, prefix: &str| match others.contains(name) {
            true => format!("{prefix}_{name}"),
            false => name.clone(),
        };
        let mut columns: Vec<String> = labels.iter().map(|name| column(name, &outputs, "example")).collect();
        columns.extend(outputs.iter().map(|name| column(name, &labels, "pred")));
        columns.extend([metric.to_owned(), "failure".to_owned()]);
        let rows = devset.iter().zip(&evaluation.rollouts).map(|(example, rollout)| {
            let cell = |value: Option<&predict::Value>| value.map(shown).unwrap_or_default();
            let given = labels.iter().map(|name| cell(example.get(name)));
            let predicted = outputs.iter().map(|name| cell(rollout.prediction.as_ref().and_then(|map| map.get(*name))));
            let failure = rollout.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
            given.chain(predicted).chain([rollout.score.value.to_string(), failure]).collect()
        });
        Self { columns, rows: rows.collect() }
    }

    /// Comma-separated values (RFC 4180), column names first.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let quoted = |cell: &String| match cell.contains([',', '"', '\r', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let line = |cells: &Vec<String>| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n";
        std::iter::once(&self.columns).chain(&self.rows).map(line).collect()
    }
}

impl fmt::Display for Table {
    /// Aligned columns with long cells cut off.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |cell: &String| {
            let line = cell.split_whitespace().collect::<Vec<_>>().join(" ");
            match line.chars().count() > WIDEST {
                true => line.chars().take(WIDEST - 1).chain(['…']).collect(),
                false => line,
            }
        };
        let lines: Vec<Vec<String>> =
            std::iter::once(&self.columns).chain(&self.rows).map(|cells| cells.iter().map(short).collect()).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        for line in &lines {
            let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(formatter, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn cells_with_separators_are_quoted() {
        let table = Table { columns: vec!["a".into()], rows: vec![vec!["say \"hi\", twice\n".into()]] };
        assert_eq!(table.to_csv(), "a\r\n\"say \"\"hi\"\", twice\n\"\r\n");
    }

    #[test]
    fn long_cells_are_cut_and_columns_aligned() {
        let table = Table { columns: vec!["a".into(), "b".into()], rows: vec![vec!["x".repeat(50), "1".into()]] };
        let text = table.to_string();
        assert!(text.lines().all(|line| line.chars().nth(42).is_some()), "{text}");
        assert!(text.contains('…'));
    }
}
