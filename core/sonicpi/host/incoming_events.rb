module SonicPi
  # Events are handled by a thread of their own, as in live Sonic Pi. The thread is started again in
  # every forked child, because a fork does not copy it.
  class IncomingEvents
    def initialize(name = :event_handler, priority = 0)
      @handlers = {}
      @continue = true
      @name = name
      (@@all ||= []) << self
      start_handling
    end

    def start_handling
      @event_queue = Queue.new
      Thread.new do
        __system_thread_locals.set_local(:sonic_pi_local_thread_group, @name)
        consume_event while @continue
      end
    end

    def self.restart_all
      @@all.each(&:start_handling)
    end

    private

    # Every loaded sample adds two handlers. Sonic Pi tries to remove them by their keys alone, which it
    # takes for pairs of event and key, so that all of them are called for every later sample.
    def q_handle_event(event, payload)
      removals = (@handlers[event] || {}).flat_map { |key, handler| call_handler(handler, event, key, payload) }
      removals.each { |handle, key| q_rm_handler(handle, key) }
    end

    # Call a handler; return the [event, key] of the handlers to remove.
    def call_handler(handler, event, key, payload)
      result = handler.call(payload)
      return [[event, key]] if result == :remove_handler
      return [] unless result.is_a?(Array) && result.size == 2 && result.first == :remove_handlers
      result[1].flat_map { |item| item.is_a?(Array) ? [item] : find_handlers(item) }
    rescue Exception => e # rubocop:disable Lint/RescueException
      log_exception(e)
      []
    end

    def find_handlers(key)
      @handlers.filter_map { |event, handlers| [event, key] if handlers.key?(key) }
    end
  end
end
