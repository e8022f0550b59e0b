//! The table of figures, each beside what it is compared with.

use crate::{
    load::Figures,
    world::{Aim, Target},
};

/// Figures in the order in which they were measured.
#[derive(Default)]
pub(crate) struct Report(Vec<(&'static str, Aim, Figures)>);

impl Report {
    pub(crate) fn add(&mut self, target: &Target, figures: Figures) {
        self.0.push((target.name, target.aim, figures));
    }

    /// Prints the table, in Markdown.
    pub(crate) fn print(&self) {
        println!("| what | requests/s | p50 ms | p99 ms | CPU µs/request | RSS MB | failed | aim | reached |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |");
        for (name, aim, figures) in &self.0 {
            let (aim, reached) = self.judge(*aim, figures);
            println!(
                "| {name} | {:.0} | {:.1} | {:.1} | {:.0} | {:.0} | {} | {aim} | {reached} |",
                figures.per_second,
                figures.p50_ms,
                figures.p99_ms,
                figures.cpu_us_per_request,
                figures.rss_mb,
                figures.failed,
            );
        }
    }

    fn judge(&self, aim: Aim, figures: &Figures) -> (String, String) {
        let verdict = |value: f64, least: f64| if value >= least { "yes" } else { "no" };
        match aim {
            Aim::None => ("yardstick".into(), String::new()),
            Aim::PerSecond(least) => (format!("{least:.0}/s"), verdict(figures.per_second, least).into()),
            Aim::Share { of, percent } => {
                let yardstick =
                    self.0.iter().find(|(name, ..)| *name == of).map_or(f64::NAN, |(_, _, it)| it.per_second);
                let share = figures.per_second / yardstick * 100.0;
                (format!("{percent:.0} % of {of}"), format!("{}, {share:.0} %", verdict(share, percent)))
            }
        }
    }
}
