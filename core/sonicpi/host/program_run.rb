require_relative 'program_limits'
require_relative 'repeatable_randomness'

# The run of one program on virtual time, in a child of the host.
class ProgramRun
  # `later_sounds` is the folder of the sounds that came after Sonic Pi 3.2.2, or nil.
  def initialize(later_sounds)
    @report = ProgramReport.new
    @limits = ProgramLimits.new
    report = @report
    link = ScsynthLink.new(@limits) do |kind, message, name|
      report.record_warning(kind, message, ProgramReport.current_line, name)
    end
    Object.const_set(:LINK, link)
    @runtime = boot_sonic_pi(@report)
    @origin = VirtualTime.now
    link.score.mark_boot_end
    LaterSounds.load_sounds(later_sounds)
    RepeatableRandomness.install
  end

  # Run the program for its seconds of virtual time, write result and score to the pipe, and exit.
  # Called in a forked child.
  def run_program(request, pipe)
    @request = request
    @pipe = pipe
    LaterSounds.choose_version(request[:sonic_pi] || LaterSounds::VERSIONS.first)
    apply_limits(request[:limits])
    LINK.score.extend(FailureSearch::LineTrace) if request[:find_failure]
    VirtualTime.reset { |fiber_count| @limits.allow_fibers(fiber_count) }
    RepeatableRandomness.restart
    Thread.new do
      SonicPi::IncomingEvents.restart_all
      # Sonic Pi counts lines from 0, because its editor inserts a line before the program.
      @runtime.__spider_eval("\n#{request[:source].delete_prefix("\uFEFF")}", { workspace: PROGRAM_LABEL.dup })
    end
    run_until_clip_ends
    @runtime.warn_about_waiting_threads
    write_outcome
  end

  # Write the number of every line of the program that runs next to a file. Called in a forked child
  # before `run_program`.
  def trace_lines(file)
    TracePoint.new(:line) do |point|
      file.pwrite([point.lineno].pack('N'), 0) if point.path == PROGRAM_LABEL && point.lineno.positive?
    end.enable
  end

  private

  # Where the clip starts is known when the first sound is sent, and an earlier sound may follow.
  def run_until_clip_ends
    seconds = @request[:seconds]
    while (rest = @origin + seconds - VirtualTime.now) > ClipStart::TOLERANCE_SECONDS
      VirtualTime.run(rest)
      seconds = LINK.clip_start.run_seconds(@origin, @request[:seconds])
    end
  end

  def apply_limits(limits)
    @limits.apply(limits)
    @limits.on_exceeded = ->(kind, message, line) { stop_with_error(kind, message, line) }
    forbid_processes
    # Sonic Pi starts a garbage collection at every run, which would copy the shared heap.
    GC.define_singleton_method(:start) { |*| nil }
  end

  # The sandbox limits processes as well; this adds a clear error and its line.
  def forbid_processes
    forbid = -> { stop_with_error('forbidden', 'A program may not start processes.', ProgramReport.current_line) }
    stopper = ->(*) { forbid.call }
    %i[fork spawn system exec `].each do |name|
      Kernel.define_method(name, &stopper)
      Kernel.define_singleton_method(name, &stopper)
      Process.define_singleton_method(name, &stopper)
    end
    %i[popen pipe].each { |name| IO.define_singleton_method(name, &stopper) }
  end

  def stop_with_error(kind, message, line)
    @report.record_error(kind, message, line)
    write_outcome
  end

  def write_outcome
    error = @report.error
    return write_events(error) if @request[:events_only]
    return write_result({ error: error, warnings: @report.warnings }, '') if error
    skipped_seconds = LINK.clip_start.skipped_seconds(@origin)
    score = LINK.score.to_binary(clip_start_time - skipped_seconds, score_seconds(skipped_seconds), @request[:sample_rate])
    write_result({ error: nil, warnings: @report.warnings, skipped_s: skipped_seconds }, score)
  end

  def clip_start_time
    @origin + LINK.clip_start.seconds_after(@origin)
  end

  def score_seconds(skipped_seconds)
    @request[:seconds] + skipped_seconds + (@request[:score_only] ? 0 : Host::TAIL_SECONDS)
  end

  def write_events(error)
    messages = LINK.score.program_messages(clip_start_time, @request[:seconds])
    write_result({ error: error, warnings: @report.warnings, events: messages }, '')
  end

  def write_result(result, score)
    result = result.merge(trace: LINK.score.trace) if @request[:find_failure]
    json = JSON.generate(result, allow_nan: true) # Options may be infinite.
    @pipe.write([json.bytesize].pack('N'), json, score)
    @pipe.flush
    exit!(0)
  end
end
