# The offline host: reads programs, answers with sound.
#
# Runs inside the sandbox. Loads Sonic Pi and scsynth once, then for every request
# forks a child that runs the program into a score, and another that plays it.
#
# Request (standard input): u32 length, JSON {source, seconds, sample_rate, limits}.
# Answer (standard output): u32 length, JSON {error, warnings, frames, host_s};
# with events_only in the request, events too, and nothing is played; with score_only, score_bytes,
# and the score; else, if there is no error, frames * 8 bytes of float32 stereo, and u32 length, JSON
# {error, synth_s}. All integers are big-endian.
require 'json'
require 'tmpdir'
require 'fileutils'
require_relative 'runtime'
require_relative 'synthesis'
require_relative 'program_run'

class Host
  LEAD = 0.5 # Sonic Pi schedules its sounds this many seconds ahead
  SURPLUS = 0.1 # the score goes on this much longer: scsynth is ended when enough has been heard
  PIPE_BYTES = 1 << 20 # 3 s of sound: the fewer turns writer and reader take, the better
  F_SETPIPE_SZ = 1031
  FRAME_BYTES = 8
  SYNTHESIS_MEMORY = 4 << 30
  COLLECT_EVERY = 10 # programs
  TELL_S = 2.0 # for a program whose time is up to say where it is
  CHECK_S = 0.1 # how often a silent child is looked after
  LARGEST_ANSWER = 64 << 20
  # What the sandbox holds, and no machine does (see sandbox.py).
  SANDBOX_ROOT = %w[bin dev earshot etc lib lib64 proc tmp usr].freeze

  def initialize(input, output, plugins)
    @input = input
    @output = output
    @alone = alone?
    @block = String.new(capacity: 1 << 20)
    protect
    Synthesis.warm(plugins)
    @run = ProgramRun.new
    GC.compact
    GC.start
    reply(ready: true, sandboxed: @alone)
  end

  def serve
    served = 0
    while (request = read_request)
      answer(request)
      clean_up
      # The heap is given room (see sandbox.py), but every fork copies what lies about in it.
      GC.start if ((served += 1) % COLLECT_EVERY).zero?
    end
  end

  private

  # A program runs as the same user. Not being dumpable (prctl 4), no process here can be
  # traced, nor its memory or descriptors opened, by another; nor do polite signals end it.
  def protect
    prctl = Fiddle::Function.new(Fiddle.dlopen(nil)['prctl'], [Fiddle::TYPE_INT, Fiddle::TYPE_LONG], Fiddle::TYPE_INT)
    raise 'prctl refused' unless prctl.call(4, 0).zero?
    %w[HUP INT QUIT TERM USR1 USR2 ALRM PIPE].each { |signal| trap(signal, 'IGNORE') } if @alone
  end

  # In a child: what it could read requests from, or forge answers with.
  def let_go
    [@input, @output].each(&:close)
  end

  def read_request
    size = @input.read(4) or return
    JSON.parse(@input.read(size.unpack1('N')), symbolize_names: true)
  end

  def reply(fields)
    json = JSON.generate(fields)
    @output.write([json.bytesize].pack('N'), json)
    @output.flush
  end

  def answer(request)
    started = clock
    result, score = run_program(request)
    return reply_score(result, score) if request[:score_only]
    frames = result[:error] || request[:events_only] ? 0 : (request[:seconds] * request[:sample_rate]).round
    reply(result.merge(frames: frames, host_s: clock - started))
    return if frames.zero?
    started = clock
    reply(play(score, frames, request).merge(synth_s: clock - started))
  end

  def reply_score(result, score)
    reply(result.merge(score_bytes: score.to_s.bytesize))
    @output.write(score.to_s)
    @output.flush
  end

  # Run the program in a child. Returns its result and its score.
  def run_program(request)
    answer, child = in_child(request[:limits][:wall_s]) { |pipe| @run.perform(request, pipe) }
    size = answer.unpack1('N')
    return [died(child, request[:limits]), nil] unless size && answer.bytesize >= 4 + size
    [JSON.parse(answer[4, size], symbolize_names: true), answer[4 + size..]]
  rescue JSON::ParserError
    [{ error: { kind: 'crashed', message: 'The program damaged its own interpreter.' }, warnings: [] }, nil]
  end

  # Play the score in a child, passing its sound on as it comes.
  def play(score, frames, request)
    path = "#{Dir.tmpdir}/earshot-#{Process.pid}.score"
    File.binwrite(path, score)
    reader, writer = wide_pipe
    child = fork do
      reader.close
      let_go
      Process.setrlimit(:CPU, request[:limits][:synthesis_cpu_s])
      Process.setrlimit(:AS, SYNTHESIS_MEMORY)
      # After the last sample scsynth's own clean-up misses a thread that a fork cannot copy.
      Process.setrlimit(:CORE, 0)
      Synthesis.play(path, "/proc/self/fd/#{writer.fileno}", request[:sample_rate])
      exit!(0)
    end
    writer.close
    passed = pass_on(reader, frames, request, clock + request[:limits][:wall_s])
    end_child(child)
    { error: passed ? nil : { kind: 'crashed', message: 'scsynth stopped before the end of the score.' } }
  ensure
    reader&.close
    FileUtils.rm_f(path)
  end

  def wide_pipe
    IO.pipe.tap { |_, writer| writer.fcntl(F_SETPIPE_SZ, PIPE_BYTES) }
  rescue Errno::EPERM # the user has too many such pipes already
    IO.pipe
  end

  # Skip the lead, then copy `frames`; pads with silence so that the answer keeps its shape.
  def pass_on(reader, frames, request, deadline)
    skip = (LEAD * request[:sample_rate]).round * FRAME_BYTES
    wanted = frames * FRAME_BYTES
    while wanted.positive? && (block = read_until(reader, deadline))
      if skip.positive?
        dropped = [skip, block.bytesize].min
        skip -= dropped
        block = block.byteslice(dropped..)
      end
      block = block.byteslice(0, wanted) if block.bytesize > wanted
      wanted -= block.bytesize
      @output.write(block)
    end
    @output.write("\0" * wanted)
    wanted.zero?
  end

  # Always into the same memory: the host lives for many thousand programs.
  def read_until(reader, deadline)
    return unless reader.wait_readable([deadline - clock, 0].max)
    reader.readpartial(1 << 20, @block)
  rescue EOFError
    nil
  end

  # Fork; the block writes to a pipe. Returns what was written and how the child ended.
  def in_child(wall_s)
    reader, writer = IO.pipe
    child = fork do
      reader.close
      let_go
      yield writer
      exit!(0)
    end
    writer.close
    started = clock
    answer, status = collect(reader, child, started + wall_s)
    [answer, { timed_out: status.nil?, status: status || end_child(child), seconds: clock - started }]
  ensure
    reader&.close
    end_others if @alone
  end

  # Read until the child has ended and the pipe is empty: what it forked may hold the pipe open.
  def collect(reader, child, deadline)
    answer = String.new
    status = asked = nil
    while answer.bytesize < LARGEST_ANSWER
      if clock >= deadline
        break if status || asked
        # Time is up: it may still say in which line it is.
        asked = Process.kill(:USR1, child)
        deadline = clock + TELL_S
      end
      ready = reader.wait_readable(status ? 0 : CHECK_S)
      if ready
        block = reader.read_nonblock(PIPE_BYTES, @block, exception: false)
        return [answer, status || Process.wait2(child).last] if block.nil?
        answer << block if block.is_a?(String)
      elsif status
        break
      else
        status = Process.wait2(child, Process::WNOHANG)&.last
      end
    end
    [answer, status]
  end

  def end_child(child)
    Process.kill(:KILL, child)
    Process.wait2(child).last
  end

  def died(child, limits)
    signal = child[:status].termsig
    kind, message =
      if child[:timed_out] then ['timeout', "The program took longer than #{limits[:wall_s]} s."]
      elsif signal == Signal.list['KILL'] && child[:seconds] < limits[:cpu_s]
        # Too early for the limit: the system, for lack of memory, or someone. Another try may do.
        ['crashed', 'The program was killed from outside.']
      elsif signal == Signal.list['XCPU'] || signal == Signal.list['KILL']
        ['timeout', "The program used more than #{limits[:cpu_s]} s of processor time."]
      elsif signal == Signal.list['ABRT'] then ['memory', "The program used more than #{limits[:memory_mb]} MB of memory."]
      else ['crashed', 'The program ended its own interpreter.']
      end
    { error: { kind: kind, message: message }, warnings: [] }
  end

  # Leave nothing of a program behind: no process, no file. Only where everything
  # that can be seen belongs to this host alone; anywhere else nothing is touched.
  def clean_up
    return unless @alone
    end_others
    ['/tmp', Dir.home].each do |folder|
      left = Dir.children(folder) - ['.sonic-pi']
      FileUtils.rm_rf(left.map { |name| "#{folder}/#{name}" }) unless left.empty?
    end
  end

  def others
    Dir.children('/proc').grep(/\A\d+\z/).map(&:to_i) - [Process.pid]
  end

  # All at once: one after the other would leave a fork bomb time to go on. -1 means
  # every process of this namespace, which bubblewrap made for this host alone.
  def end_others
    until others.empty?
      raise 'not alone' unless alone?
      begin
        Process.kill(:KILL, -1)
        Process.wait(-1)
      rescue Errno::ESRCH, Errno::ECHILD
        sleep 0.001
      end
    end
  end

  # True as the first process of a namespace, with a root folder, that bubblewrap made for
  # this host. As the first it cannot be killed from within.
  def alone?
    Process.pid == 1 && Process.ppid.zero? && Dir.children('/').sort == SANDBOX_ROOT
  rescue SystemCallError
    false
  end

  def clock
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end

input = STDIN.dup.binmode
output = STDOUT.dup.binmode
[STDIN, STDOUT].each { |stream| stream.reopen('/dev/null', stream == STDIN ? 'r' : 'w') }
STDERR.reopen('/dev/null', 'w') unless ENV['EARSHOT_HOST_LOG']
Host.new(input, output, ARGV.fetch(0)).serve
exit!(0)
