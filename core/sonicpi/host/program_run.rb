# One program's run on virtual time, in a child of the host.
class ProgramRun
  NICE = 10

  # Stops a program that asks for more than it may have.
  class Limits
    attr_accessor :most_events, :most_alive, :exceeded, :line

    def near?(alive)
      most_alive && alive > most_alive / 2
    end

    def events(count)
      return unless most_events && count > most_events
      exceeded.call('too_many_synths', "The program sends more than #{most_events} messages to scsynth.")
    end

    def alive(count)
      return unless most_alive && count > most_alive
      exceeded.call('too_many_synths', "More than #{most_alive} synths sound at once.")
    end
  end

  def initialize
    @report = Report.new
    @limits = Limits.new
    report = @report
    link = ScsynthLink.new(@limits) { |kind, message| report.warn(kind, message, Report.line) }
    Object.const_set(:LINK, link)
    @runtime = boot_sonic_pi(@report)
    @origin = VirtualTime.now
    link.score.started
  end

  # Run the program for its seconds of virtual time and write result and score.
  # Called in a child of which nothing else remains.
  def perform(request, pipe)
    @request = request
    @pipe = pipe
    restrain(request[:limits])
    VirtualTime.reset
    srand(0)
    Thread.new do
      SonicPi::IncomingEvents.restart_all
      # Sonic Pi counts lines from 0: its editor puts one of its own before the user's.
      @runtime.__spider_eval("\n#{request[:source].delete_prefix("\uFEFF")}", { workspace: PROGRAM.dup })
    end
    VirtualTime.run(request[:seconds] + Host::LEAD)
    @runtime.tell_who_waits
    finish
  end

  private

  def restrain(limits)
    # So that the host can still end what takes all the time there is.
    Process.setpriority(Process::PRIO_PROCESS, 0, [NICE, Process.getpriority(Process::PRIO_PROCESS, 0)].max)
    memory = limits[:memory_mb] << 20
    Process.setrlimit(:AS, memory)
    Process.setrlimit(:FSIZE, limits[:file_mb] << 20)
    Process.setrlimit(:NPROC, limits[:processes])
    Process.setrlimit(:CORE, 0)
    Process.setrlimit(:CPU, limits[:cpu_s], limits[:cpu_s] + 1)
    trap('XFSZ', 'IGNORE') # a file too large is an error with a line, not an end
    trap('USR1') { stop('timeout', "The program took longer than #{limits[:wall_s]} s.", Report.line) }
    trap('XCPU') { out_of_time(limits[:cpu_s]) }
    @limits.most_events = limits[:events]
    @limits.most_alive = limits[:synths]
    @limits.exceeded = ->(kind, message) { stop(kind, message, Report.line || @limits.line) }
    VirtualTime.too_many do
      stop('memory', "More than #{VirtualTime::MOST_THREADS} threads run at once.", Report.line || @limits.line)
    end
    forbid_processes
    GC.define_singleton_method(:start) { |*| nil } # Sonic Pi collects at every run's start
  end

  # The sandbox bounds them anyway; this names the error, and its line.
  def forbid_processes
    forbidden = -> { stop('forbidden', 'A program may not start processes.', Report.line) }
    stopper = ->(*) { forbidden.call }
    %i[fork spawn system exec `].each do |name|
      Kernel.define_method(name, &stopper)
      Kernel.define_singleton_method(name, &stopper)
      Process.define_singleton_method(name, &stopper)
    end
    %i[popen pipe].each { |name| IO.define_singleton_method(name, &stopper) }
  end

  def out_of_time(seconds)
    stop('timeout', "The program used more than #{seconds} s of processor time. Is there a loop without a sleep?", Report.line)
  end

  def stop(kind, message, line)
    @report.fail(kind, message, line)
    finish
  end

  def finish
    error = @report.error
    return tell_events(error) if @request[:events_only]
    score = error ? '' : LINK.score.to_binary(@origin, score_seconds, SYNTHDEF_PATH)
    write({ error: error, warnings: @report.warnings }, score)
  end

  def score_seconds
    @request[:seconds] + Host::LEAD + (@request[:score_only] ? 0 : Host::SURPLUS)
  end

  def tell_events(error)
    seconds = @request[:seconds]
    write({ error: error, warnings: @report.warnings,
            events: LINK.score.program_events(@origin + Host::LEAD, seconds) }, '')
  end

  def write(result, score)
    json = JSON.generate(result)
    @pipe.write([json.bytesize].pack('N'), json, score)
    @pipe.flush
    exit!(0)
  end
end
