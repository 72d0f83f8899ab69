//! `[slurm]`: what a task asks of the cluster.

use faceprobe_settings::{Rules, settings};

settings! {
    /// What tasks on a cluster ask for.
    pub struct SlurmSettings {
        /// The partition that tasks run in.
        partition: Option<String> = None, text("NAME").or("default");
        /// The account that is charged.
        account: Option<String> = None, text("NAME").or("default");
        /// The quality of service.
        qos: Option<String> = None, text("NAME").or("default");
        /// The longest that a task may run, as sbatch writes it: MINUTES, HOURS:MINUTES:SECONDS or DAYS-HOURS.
        time: Option<String> = None, text("TIME").or("default");
        /// Memory of a task, as sbatch writes it, such as 8G.
        memory: Option<String> = None, text("SIZE").or("default");
        /// Processors of a task, and its threads where --threads says nothing.
        cpus: usize = 4, whole(1..=1_024).unit("processors");
        /// Graphics processors of a task and the like, as sbatch writes them, such as gpu:1.
        gres: Option<String> = None, text("LIST").or("none");
        /// Tasks of an array where the command does not say.
        tasks: usize = 8, whole(1..=1_000).unit("tasks");
        /// No more tasks of an array than these run at a time.
        at_once: Option<usize> = None, whole(1..=1_000).or("all").unit("tasks");
        /// So long before its time limit a task saves what it has and goes back into the queue.
        notice: u64 = 120, whole(1..=65_535).unit("seconds");
        /// Copy images that a task reads to the node's own disk ($TMPDIR), read them there from then on, and remove them with the
        /// task. Pays off where images are read more than once, as fine-tuning with variations does.
        copy_images: bool = false, any();
        /// More options for sbatch, as one would type them.
        options: Option<String> = None, text("OPTIONS").or("none");
        /// A line of shell before the work, such as module load cuda.
        setup: Option<String> = None, text("COMMAND").or("none");
    }
}

impl Rules for SlurmSettings {}
